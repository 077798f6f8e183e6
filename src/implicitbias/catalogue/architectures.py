"""Architectures: families of networks, and the parameters that each has of its own."""

from collections.abc import Mapping

from implicitbias.catalogue.entries import Architecture, Parameter
from implicitbias.catalogue.limits import Allowed, Having, Range
from implicitbias.catalogue.outputs import OUTPUTS

_HERE = "implicitbias.networks.architectures"
_BIAS = {
    "bias": Parameter("none", "layers with a bias", choices=("none", "first", "all")),
    "bias_variance": Parameter(0.0, "variance of the initial biases; 0: they start at 0", 0),
}
_SIDE = Parameter(3, "side of a convolution's patches, which is odd", 1)
_ODD: Mapping[str, Allowed] = {"side": tuple(range(1, 32, 2))}
_IMAGES: Mapping[str, Allowed] = {"source": Having({"images": (True,)})}
_BLOCKS: Mapping[str, Allowed] = {**_ODD, "depth": Range(multiple_of=2)}
_READOUT = Parameter(
    "flatten",
    "what of the last images the output sees: all pixels, or their average",
    choices=("flatten", "global_average"),
)
_FACTOR = Parameter(1.0, "factor on all widths", 0, exclusive_minimum=True)

ARCHITECTURES: dict[str, Architecture] = {
    "mlp": Architecture(
        f"{_HERE}.mlp:mlp", "fully connected (multilayer perceptron)",
        {
            "depth": Parameter(2, "number of weight matrices L; 1: a linear model", 1, 1000),
            "width": Parameter(1000, "hidden neurons a layer m", 1),
            **_BIAS,
            "residual": Parameter(False, "hidden layers of equal width add their input to their output"),
            "output": Parameter(
                "trained",
                "the last layer: " + "; ".join(f"{name}: {entry.summary}" for name, entry in OUTPUTS.items()),
                choices=tuple(OUTPUTS),
            ),
        },
        vanishing=("width",),
    ),
    "cnn": Architecture(
        f"{_HERE}.convolutional:cnn", "convolutions with zero padding, and one dense layer (Novak et al. 2019)",
        {
            "depth": Parameter(3, "number of weight layers, of which all but the last are convolutions", 1, 1000),
            "width": Parameter(64, "channels of a convolution", 1),
            "side": _SIDE,
            "pooling": Parameter(
                "none", "over 2 x 2 pixels after every convolution's activation", choices=("none", "average", "max")
            ),
            "readout": _READOUT,
            **_BIAS,
        },
        vanishing=("width",),
        only=({**_ODD, **_IMAGES},),
    ),
    "resnet": Architecture(
        f"{_HERE}.convolutional:resnet", "residual blocks of two convolutions, or two dense layers (He et al. 2016b)",
        {
            "depth": Parameter(4, "number of weight layers: the first, two a block, and the output", 4, 1000),
            "width": Parameter(64, "channels of a convolution, or neurons of a dense layer", 1),
            "block": Parameter("convolution", "what blocks consist of", choices=("convolution", "dense")),
            "side": _SIDE,
            "normalisation": Parameter("none", "of the input of every activation", choices=("none", "layer")),
            "readout": _READOUT,
            **_BIAS,
        },
        vanishing=("width",),
        only=({**_BLOCKS, **_IMAGES}, {**_BLOCKS, "block": ("dense",)}),
    ),
    "lenet": Architecture(
        f"{_HERE}.classics:lenet", "two small convolutions with max pooling and three dense layers (LeCun et al. 1998)",
        {
            "depth": Parameter(5, "number of weight layers; fewer leave out dense layers, then a convolution", 2, 5),
            "factor": _FACTOR,
            "bias_variance": _BIAS["bias_variance"],
        },
        vanishing=("factor",),
        only=(_IMAGES,),
    ),
    "lyu_li": Architecture(
        f"{_HERE}.classics:lyu_li", "two convolutions with max pooling, a dense layer and the output (Lyu & Li 2020)",
        {"width": Parameter(1024, "neurons of the dense layer; channels are 1/32 and 1/16 of it", 32), **_BIAS},
        vanishing=("width",),
        only=({"width": Range(multiple_of=32), **_IMAGES},),
    ),
    "pooled_mlp": Architecture(
        f"{_HERE}.classics:pooled_mlp", "max pooling, and layers of 120, 60, 30 and 12 neurons (Peleg & Hein 2024)",
        {
            "depth": Parameter(5, "number of weight matrices; fewer leave out the largest", 1, 5),
            "factor": _FACTOR,
            "bias_variance": _BIAS["bias_variance"],
        },
        vanishing=("factor",),
        only=(_IMAGES,),
    ),
}  # fmt: skip
