"""Where points come from, and how they are labelled."""

from itertools import combinations

from implicitbias.catalogue.downloads import CIFAR10, FASHION_MNIST, MNIST
from implicitbias.catalogue.entries import Labels, Parameter, Source
from implicitbias.catalogue.limits import Having, Limits, Range

FLIP = Parameter(0.0, "fraction of the training labels that are flipped", 0, 0.5)
"""The parameter of all synthetic sources, see `tasks.build`."""


def _synthetic(name: str, summary: str, *, features: int = 0, least: int | str = 1, **parameters: Parameter) -> Source:
    """A synthetic source; one whose number of features is not its own has the parameter `features` >= `least`."""
    free = (
        {}
        if features
        else {"features": Parameter(100, "dimension d of the inputs, or a multiple 2n", 1, per_point=True)}
    )
    most = {key: Range(maximum=own.maximum) for key, own in parameters.items() if own.per_point and own.maximum}
    return Source(
        f"implicitbias.tasks.synthetic:{name}", summary, {**free, **parameters, "flip": FLIP}, features=features,
        only=({"features": Range(minimum=least), **most},) if free else (),
    )  # fmt: skip


_SCALING = Parameter(
    "norm",
    "scaling of the inputs: pixels from 0 to 1 (or numbers as they are), standardised, or standardised and each brought"
    " to norm sqrt(d)",
    choices=("norm", "standardised", "pixels"),
)

SOURCES: dict[str, Source] = {
    "digits": Source(
        "implicitbias.tasks.digits:load",
        "scikit-learn's 8x8 handwritten digits (UCI optdigits test set), embedded",
        {"scaling": _SCALING},
        features=64,
        image=(1, 8, 8),
        counts=((123, 117, 115, 124, 109, 137, 118, 112, 124, 121), (55, 65, 62, 59, 72, 45, 63, 67, 50, 59)),
    ),
    "mnist": Source(
        "implicitbias.tasks.mnist:load",
        "MNIST handwritten digits, 28x28, downloaded with checksums or taken from data/raw/mnist",
        {"scaling": _SCALING},
        features=784,
        image=(1, 28, 28),
        counts=(
            (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
            (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
        ),
        download=MNIST,
    ),
    "fashion_mnist": Source(
        "implicitbias.tasks.mnist:load_fashion",
        "pictures of clothes, 28x28, ten classes (Xiao et al. 2017), downloaded or taken from data/raw/fashion_mnist",
        {"scaling": _SCALING},
        features=784,
        image=(1, 28, 28),
        counts=((6000,) * 10, (1000,) * 10),
        download=FASHION_MNIST,
    ),
    "cifar10": Source(
        "implicitbias.tasks.cifar:load",
        "colour pictures, 3x32x32, ten classes (Krizhevsky 2009), downloaded or taken from data/raw/cifar10",
        {"scaling": _SCALING},
        features=3072,
        image=(3, 32, 32),
        counts=((5000,) * 10, (1000,) * 10),
        download=CIFAR10,
    ),
    "files": Source(
        "implicitbias.tasks.own.files:load",
        "your own data: arrays (.npz), a table (.csv, .parquet), or a folder of pictures (train/cat/1.png)",
        {
            "path": Parameter("", "of the file or the folder, from where the workflow is called"),
            "scaling": _SCALING,
        },
        inspect="implicitbias.tasks.own.files:inspect",
    ),
    "gaussian": _synthetic("gaussian", "x ~ N(0, I), random labels: nearly orthogonal where d >> n"),
    "orthogonal": _synthetic("orthogonal", "exactly orthogonal training points of norm sqrt(d), random labels"),
    "two_gaussians": _synthetic(
        "two_gaussians", "x ~ N(y mu, I), |mu| = d^mean_exponent (Frei et al. 2023)",
        mean_exponent=Parameter(0.26, "logarithm of the mean's norm to base d"),
    ),
    "common_signal": _synthetic(
        "common_signal", "x = y mu + xi, mu and xi ~ N(0, deviation^2 I) (Kou, Chen & Gu 2023)",
        deviation=Parameter(0.01, "standard deviation of the mean's and of the noise's coordinates", 0),
    ),
    "signal_and_noise": _synthetic(
        "signal_and_noise", "x = sqrt(s) y v + sqrt(1 - s) xi (Karhadkar et al. 2024)",
        signal=Parameter(
            0.05, "fraction s of the squared norm that carries the label, or one that falls with n: 5/n", 0, 1,
            per_point=True,
        ),
    ),
    "xor_clusters": _synthetic(
        "xor_clusters", "clusters +-e1 (-1) and +-e2 (+1) in the plane (Tsoy & Konstantinov 2024)", features=2,
        spread=Parameter(0.005, "standard deviation of a cluster, cut at twice that", 0),
    ),
    "disc_grid": _synthetic(
        "disc_grid", "a grid of discs in two of d coordinates, the last of which is 1 (Chizat & Bach 2020)", least=3,
        grid=Parameter(3, "discs along a side", 1),
    ),
    "sparse_teacher": _synthetic(
        "sparse_teacher", "x ~ N(0, I), y the sign of a sparse two-layer network (Tsilivis et al. 2025)",
        least="active",
        teacher=Parameter(64, "neurons of the teacher", 1),
        active=Parameter(3, "coordinates that matter to a neuron, or to the parity", 1),
    ),
    "sparse_parity": _synthetic(
        "sparse_parity", "x uniform on {+-1/sqrt(d)}^d, y the parity of a few signs (Telgarsky 2022)", least="active",
        active=Parameter(2, "coordinates that matter to a neuron, or to the parity", 1),
    ),
}  # fmt: skip

_TEN = tuple(range(10))
_RANDOM: Limits = ({"balanced": (False,)},)  # points are chosen before they are labelled
_CLASSES = "implicitbias.tasks.labels:classes"
_FIRST = {"classes": Parameter(0, "number of classes that are kept, which are the first ones; 0: all", 0)}
LABELS: dict[str, Labels] = {
    "decimal": Labels(
        "implicitbias.tasks.labels:parity", "all ten digits (or other classes), odd +1 and even -1", keeps=_TEN
    ),
    "binary": Labels("implicitbias.tasks.labels:parity", "the digits 0 and 1 only, 1 -> +1 and 0 -> -1", keeps=(0, 1)),
    "random": Labels(
        "implicitbias.tasks.labels:random",
        "all ten digits, random labels +-1",
        keeps=_TEN,
        any_source=True,
        only=_RANDOM,
    ),
    "binary_random": Labels(
        "implicitbias.tasks.labels:random",
        "the digits 0 and 1 only, random labels +-1",
        keeps=(0, 1),
        only=_RANDOM,
    ),
    "own": Labels(
        "implicitbias.tasks.labels:own",
        "the labels that the source comes with: +-1 of a synthetic one; of data their classes, as the rule class",
    ),
    "class": Labels(_CLASSES, "the classes of the data, of whatever source", _FIRST, several=True),
    "digit": Labels(
        _CLASSES,
        "the digit, 0 to 9",
        _FIRST,
        several=True,
        only=({"source": ("digits", "mnist")},),
    ),
    "fashion": Labels(
        _CLASSES,
        "the kind of clothes, of ten",
        _FIRST,
        several=True,
        only=({"source": ("fashion_mnist",)},),
    ),
} | {
    f"{a}v{b}": Labels("implicitbias.tasks.labels:pair", f"the digits {a} (-1) and {b} (+1) only", keeps=(a, b))
    for a, b in combinations(_TEN, 2)
}

NESTED: Limits = ({"source": Having({"real": (True,)}), "centred": (False,), "random_share": (0,)},)
"""Tasks whose training sets of one seed are nested: of two sizes the smaller set is the beginning of the larger one.

Both are the first points of one permutation of a real source. Centring moves all inputs by a mean that changes with the
size; which labels are drawn at random, and the points of a synthetic source, are drawn anew for every size.
"""
