"""Metrics of runs."""

from implicitbias.catalogue.entries import Metric
from implicitbias.catalogue.limits import SIGNS, Having

_BY = "Bernstein & Yue 2021"
_MEASUREMENT = "implicitbias.measurement"
_MARGIN_LOSSES = {"loss": Having({"margin": ("exponential", "logistic")})}
_DENSE = {"architecture": ("mlp",)}
_TWO_LAYERS = {**_DENSE, "depth": (2,), "bias": ("none", "first")}
_LINEAR_IN_INPUTS = {**_DENSE, "bias": ("none",)}
_MEAN_FIELD = {**_TWO_LAYERS, "output": ("mean_field", "random_features")}
_DEGREE_ONE = Having({"degree": (1,)})
_HOMOGENEOUS = Having({"degree": (1,), "homogeneous": (True,)})
_LEAKY = ("relu", "leaky_relu", "plain_relu", "plain_leaky_relu", "smooth_leaky_relu")
_NORMS = {
    "l2": "2-norm", "linf": "largest entry", "l1": "sum of entries", "spectral": "largest singular value of a layer",
}  # fmt: skip
_SYMBOLS = {"l2": "ℓ2", "linf": "ℓ∞", "l1": "ℓ1", "spectral": "spectral"}
_TSILIVIS = "Tsilivis, Vardi & Kempe 2025, section 3"
_FREQUENCIES = tuple(number / 2 for number in range(1, 17))  # cycles a path
_BARATIN = "Baratin et al. 2021"
_PLANE = tuple(position / 40 for position in range(-48, 49))  # in units of the training points' largest coordinate
DIRECTIONS = 300
"""Along which a local volume is measured, a third of each of three proposals."""

METRICS: dict[str, Metric] = {
    "train_error": Metric(
        "implicitbias.measurement.errors:train_error", "fraction of training points whose sign, or class, is wrong",
        long_name="training error", source=f"{_BY}, section 4",
    ),
    "test_error": Metric(
        "implicitbias.measurement.errors:test_error", "fraction of test points whose sign, or class, is wrong",
        long_name="test error", source=f"{_BY}, section 4",
    ),
    "test_error_by_point": Metric(
        "implicitbias.measurement.errors:test_error_by_point",
        "whether the sign, or class, is wrong, for every test point",
        long_name="error at a test point", source=f"{_BY}, section 4", dims=("test_point",),
    ),
    "vote_error": Metric(
        "implicitbias.measurement.errors:vote_error",
        "fraction of test points on which most of the networks are wrong",
        long_name="test error of the networks' majority vote", source=f"{_BY} (second version), section 5",
        over_networks=True,
    ),
    "average_error": Metric(
        "implicitbias.measurement.errors:average_error",
        "fraction of test points on which a mean of k networks is wrong",
        long_name="test error of networks' averages", source="Farhang et al. 2022, section 5", over_networks=True,
        dims=("averaged",), coordinates={"averaged": (1, 2, 4, 8, 16)},
    ),
    "geometric_complexity": Metric(
        f"{_MEASUREMENT}.slopes:geometric_complexity", "mean of |df/dx|^2 over the training points",
        long_name="geometric complexity", source="Dherin et al. 2022, definition 3.1", trained=True, made_of="slopes",
    ),
    "boundary_distance": Metric(
        f"{_MEASUREMENT}.slopes:boundary_distance", "median of margin/|gradient by the input| over the training points",
        long_name="distance to the decision boundary (first order)", source="Lyu & Li 2020, section 6", trained=True,
        made_of="slopes",
    ),
    "normalized_margin": Metric(
        "implicitbias.measurement.margins:normalized_margin",
        "smallest margin over |x_i| prod_l |W_l|_F/sqrt(min(d_l, d_l-1))",
        long_name="normalised margin", source="Farhang et al. 2022, section 2", only=(_DENSE,),
    ),
    "smallest_margin": Metric(
        f"{_MEASUREMENT}.margins:smallest_margin", "smallest margin, not normalised",
        long_name="smallest margin", source=f"{_BY}, section 4",
    ),
    "output_scale": Metric(
        "implicitbias.measurement.outputs:output_scale", "mean |f(x)| over the test points",
        long_name="mean absolute output", source=f"{_BY}, section 5",
    ),
    "train_loss": Metric(
        f"{_MEASUREMENT}.outputs:train_loss", "loss over the whole training set (of a log-domain loss, its logarithm)",
        long_name="training loss", source="this project", trained=True, made_of="outputs",
    ),
    **{
        f"margin_{norm}": Metric(
            f"{_MEASUREMENT}.margins:margin", f"smallest margin over the M-th power of the {what}",
            long_name=f"{_SYMBOLS[norm]}-normalised margin", source=_TSILIVIS, trained=True, arguments={"norm": norm},
        )
        for norm, what in _NORMS.items()
    },
    **{
        f"soft_margin_{norm}": Metric(
            f"{_MEASUREMENT}.margins:soft_margin", f"inverse of the summed loss over the {what} to the M",
            long_name=f"{_SYMBOLS[norm]}-normalised soft margin", source="Lyu & Li 2020, section 4", trained=True,
            only=(_MARGIN_LOSSES,), arguments={"norm": norm},
        )
        for norm, what in _NORMS.items()
    },
    "margin_layers": Metric(
        f"{_MEASUREMENT}.margins:margin_layers", "smallest margin over the product of the layers' Frobenius norms",
        long_name="margin normalised by the layers' norms", source="Lyu & Li 2020, section 6",
    ),
    "margin_f1": Metric(
        f"{_MEASUREMENT}.margins:margin_f1", "smallest margin over the mean of |(a_j, b_j)|^2, mean-field networks",
        long_name="variation-norm (F1) margin", source="Chizat & Bach 2020, section 5", trained=True,
        only=(_MEAN_FIELD,),
    ),
    "margin_f2": Metric(
        f"{_MEASUREMENT}.margins:margin_f2", "smallest margin over |b|/sqrt(m), mean-field networks",
        long_name="kernel-norm (F2) margin", source="Chizat & Bach 2020, section 5", trained=True,
        only=(_MEAN_FIELD,),
    ),
    "margin_ratio": Metric(
        f"{_MEASUREMENT}.margins:margin_ratio", "smallest over largest margin",
        long_name="smallest over largest margin", source="Kou, Chen & Gu 2023, section 4",
    ),
    "support_count": Metric(
        f"{_MEASUREMENT}.margins:support_count", "points with an exponential loss within a factor 10 of the largest",
        long_name="number of support points", source="Lyu & Li 2020, section 4", trained=True, made_of="outputs",
    ),
    **{
        f"alignment_{norm}": Metric(
            f"{_MEASUREMENT}.kkt:alignment", f"<theta/|theta|, -g/|g|_*> by the {what}: 1 at a KKT point",
            long_name=f"alignment in the {_SYMBOLS[norm]} norm", source=_TSILIVIS, trained=True, only=(_MARGIN_LOSSES,),
            arguments={"norm": norm}, made_of="tangents",
        )
        for norm, what in _NORMS.items()
    },
    **{
        f"bregman_{norm}": Metric(
            f"{_MEASUREMENT}.kkt:bregman", f"Bregman divergence from stationarity by the {what}",
            long_name=f"Bregman residual in the {_SYMBOLS[norm]} norm", source=_TSILIVIS, trained=True,
            only=(_MARGIN_LOSSES,), arguments={"norm": norm}, made_of="tangents",
        )
        for norm, what in _NORMS.items()
    },
    "kkt_stationarity": Metric(
        f"{_MEASUREMENT}.kkt:kkt_stationarity", "|v - theta|/|theta|, v the loss's descent direction: 0 at a KKT point",
        long_name="KKT residual (stationarity)", source="Lyu & Li 2020, section 4", trained=True, made_of="tangents",
        only=(_MARGIN_LOSSES,),
    ),
    "kkt_slackness": Metric(
        f"{_MEASUREMENT}.kkt:kkt_slackness", "sum of multipliers times how far margins exceed the smallest",
        long_name="KKT residual (slackness)", source="Lyu & Li 2020, section 4", trained=True, made_of="tangents",
        only=(_MARGIN_LOSSES,),
    ),
    "nnls_residual": Metric(
        f"{_MEASUREMENT}.kkt:nnls_residual", "distance of theta/|theta| to the cone of the support points' gradients",
        long_name="KKT residual (any multipliers)", source="this project", trained=True, made_of="tangents",
        only=(SIGNS,),
    ),
    "direction_cosine": Metric(
        f"{_MEASUREMENT}.directions:direction_cosine", "cosine between the trained weights and the last checkpoint's",
        long_name="cosine to the last direction", source="Ji & Telgarsky 2020", trained=True,
    ),
    "path_length": Metric(
        f"{_MEASUREMENT}.directions:path_length", "length of the path of theta/|theta| over the checkpoints so far",
        long_name="path length of the direction", source="Ji & Telgarsky 2020", trained=True,
    ),
    "path_alignment": Metric(
        f"{_MEASUREMENT}.directions:path_alignment", "cosine between theta and its move since the checkpoint before",
        long_name="alignment with the mean gradient", source="Ji & Telgarsky 2020, section 4", trained=True,
    ),
    "parameter_norm": Metric(
        f"{_MEASUREMENT}.norms:parameter_norm", "2-norm of all trained weights",
        long_name="norm of the trained weights", source="Lyu & Li 2020", trained=True,
    ),
    "balancedness": Metric(
        f"{_MEASUREMENT}.neurons:balancedness", "max_j ||w_j|^2 - v_j^2| over |theta|^2",
        long_name="imbalance of the layers", source="Min, Mallada & Vidal 2023", trained=True, only=(_TWO_LAYERS,),
    ),
    "rotation": Metric(
        f"{_MEASUREMENT}.neurons:rotation", "weighted mean of 1 - cos(w_j at the first checkpoint, w_j)",
        long_name="rotation of the neurons", source="Telgarsky 2022", trained=True, only=(_TWO_LAYERS,),
    ),
    "neuron_angle": Metric(
        f"{_MEASUREMENT}.neurons:neuron_angle", "angle between w_j at the first checkpoint and w_j",
        long_name="angle of the neuron to its start", units="rad", source="Tsoy & Konstantinov 2024",
        dims=("neuron_0",), trained=True, only=({**_DENSE, "depth": (2,)},),
    ),
    "neuron_norm": Metric(
        f"{_MEASUREMENT}.neurons:neuron_norm", "norm of w_j",
        long_name="norm of the neuron", source="Tsoy & Konstantinov 2024", dims=("neuron_0",), trained=True,
        only=({**_DENSE, "depth": (2,)},),
    ),
    "class_alignment": Metric(
        f"{_MEASUREMENT}.neurons:class_alignment", "weighted mean of cos(w_j, sum of the inputs of its sign's class)",
        long_name="alignment of neurons and classes", source="Min, Mallada & Vidal 2023", trained=True,
        only=({**SIGNS, **_DENSE, "depth": (2,), "bias": ("none",)},),
    ),
    "stable_rank": Metric(
        f"{_MEASUREMENT}.rank:stable_rank", "|W|_F^2/|W|_2^2 of the first layer",
        long_name="stable rank of the first layer", source="Frei et al. 2023, section 4", trained=True,
    ),
    "stable_rank_share": Metric(
        f"{_MEASUREMENT}.rank:stable_rank_share", "stable rank of the first layer over that of the first checkpoint",
        long_name="fraction of the initial stable rank", source="Frei et al. 2023, section 5", trained=True,
    ),
    "positive_stable_rank": Metric(
        f"{_MEASUREMENT}.rank:positive_stable_rank", "|W|_F^2/|W|_2^2 of the neurons with a positive output weight",
        long_name="stable rank of the positive neurons", source="Kou, Chen & Gu 2023, section 4", trained=True,
        only=({**_TWO_LAYERS, **SIGNS},),
    ),
    "positive_share": Metric(
        f"{_MEASUREMENT}.rank:positive_share", "fraction of the training labels that are +1",
        long_name="fraction of positive labels", source="Kou, Chen & Gu 2023, theorem 4.5",
        only=(SIGNS,),
    ),
    "second_singular_value": Metric(
        f"{_MEASUREMENT}.rank:second_singular_value", "second over first singular value of every layer",
        long_name="second over first singular value", source="Ji & Telgarsky 2020", dims=("layer",), trained=True,
    ),
    "third_singular_value": Metric(
        f"{_MEASUREMENT}.rank:third_singular_value", "third over first singular value of every layer",
        long_name="third over first singular value", source="Frei et al. 2023", dims=("layer",), trained=True,
    ),
    "layer_alignment": Metric(
        f"{_MEASUREMENT}.rank:layer_alignment", "|<u_l, v_(l+1)>| of the first singular vectors of adjacent layers",
        long_name="alignment of adjacent layers", source="Ji & Telgarsky 2020", dims=("layer",), trained=True,
        only=({**_DENSE, "bias": ("none", "first")},),
    ),
    "euler_defect": Metric(
        f"{_MEASUREMENT}.homogeneity:euler_defect", "max_i |<grad f_i, theta> - M f_i| over max_i |f_i|",
        long_name="defect in Euler's identity", source="Cai et al. 2025", trained=True, made_of="tangents",
    ),
    "modified_margin": Metric(
        f"{_MEASUREMENT}.homogeneity:modified_margin", "(inverse loss - bound on Euler's defect) over |theta|^M",
        long_name="modified margin", source="Cai et al. 2025, theorem 3.1", trained=True,
        only=(
            {**SIGNS, **_MARGIN_LOSSES, **_DENSE, "depth": (2,), "output": ("trained",), "activation": _DEGREE_ONE},
            {
                **SIGNS, **_MARGIN_LOSSES, **_DENSE, "depth": (3,), "output": ("trained",), "activation": _HOMOGENEOUS,
                "residual": (True,), "bias": ("none", "first"),
            },
        ),
    ),
    "plane_output": Metric(
        f"{_MEASUREMENT}.plane:plane_output",
        "output over a square in the first two coordinates, the others being at their means",
        long_name="output in the plane", source="Chizat & Bach 2020, section 5", trained=True,
        dims=("plane_y", "plane_x"), coordinates={"plane_y": _PLANE, "plane_x": _PLANE}, only=({**_DENSE, **SIGNS},),
    ),
    "plane_point": Metric(
        f"{_MEASUREMENT}.plane:plane_point", "training points in the first two coordinates, and their labels",
        long_name="training points in the plane", source="Chizat & Bach 2020, section 5",
        dims=("train_point", "plane_axis"), coordinates={"plane_axis": ("x", "y", "label")},
        only=(SIGNS,),
    ),
    "svm_cosine": Metric(
        f"{_MEASUREMENT}.optima:svm_cosine", "cosine between the product of all layers and the l2 max-margin direction",
        long_name="cosine to the max-margin direction", source="Frei et al. 2023, theorem 3.2", trained=True,
        only=({**_LINEAR_IN_INPUTS, **SIGNS},),
    ),
    "svm_norm_ratio": Metric(
        f"{_MEASUREMENT}.optima:svm_norm_ratio", "norm of the product of all layers at margin 1, over the smallest",
        long_name="norm over the max-margin vector's", source="Frei et al. 2023, theorem 3.2", trained=True,
        only=(
            {**SIGNS, **_LINEAR_IN_INPUTS, "depth": (1,)},
            {**SIGNS, **_LINEAR_IN_INPUTS, "depth": (2,), "output": ("signs", "halves"), "activation": _DEGREE_ONE},
        ),
    ),
    "optimum_cosine": Metric(
        f"{_MEASUREMENT}.optima:optimum_cosine", "cosine between the first layer and the optimum of its convex program",
        long_name="cosine to the convex optimum", source="Frei et al. 2023, theorem 3.2", trained=True,
        only=({**SIGNS, **_DENSE, "depth": (2,), "bias": ("none",), "output": ("signs",), "activation": _LEAKY},),
    ),
    "margin_l2_share": Metric(
        f"{_MEASUREMENT}.optima:margin_l2_share", "l2 margin over its optimum, where f is linear in what is trained",
        long_name="ℓ2 margin over the largest one", source="Zhang, Zou & Cao 2024", trained=True,
        made_of="tangents",
        only=({**SIGNS, **_DENSE, "depth": (1,)}, {**SIGNS, **_DENSE, "output": ("random_features",)}),
    ),
    "margin_linf_share": Metric(
        f"{_MEASUREMENT}.optima:margin_linf_share", "linf margin over its optimum, one layer",
        long_name="ℓ∞ margin over the largest one", source="Zhang, Zou & Cao 2024", trained=True,
        only=({**SIGNS, **_DENSE, "depth": (1,), "bias": ("none",)},),
    ),
    "tangent_kernel_alignment": Metric(
        f"{_MEASUREMENT}.kernel_alignment:tangent_kernel_alignment",
        "cosine between the centred tangent kernel on the training points and the centred y y^T",
        long_name="alignment of tangent kernel and labels", source=_BARATIN, trained=True,
        made_of="tangents",
        only=(SIGNS,),
    ),
    "layer_tangent_alignment": Metric(
        f"{_MEASUREMENT}.kernel_alignment:layer_tangent_alignment",
        "tangent_kernel_alignment of the gradients by one layer's weights alone, of every layer",
        long_name="alignment of the layer's tangent kernel and labels", source="Baratin et al. 2021; Lou et al. 2022",
        dims=("layer",), trained=True, made_of="tangents", only=(SIGNS,),
    ),
    "tangent_alignment_by_kind": Metric(
        f"{_MEASUREMENT}.kernel_alignment:tangent_alignment_by_kind",
        "tangent_kernel_alignment among the points with true labels, and among those of random_share, with random ones",
        long_name="alignment of tangent kernel and labels of a kind", source=_BARATIN, dims=("label_kind",),
        coordinates={"label_kind": ("true", "random")}, trained=True, made_of="tangents", only=(SIGNS,),
    ),
    "tangent_kernel_rank": Metric(
        f"{_MEASUREMENT}.kernel_spectrum:tangent_kernel_rank",
        "exp of the entropy of the centred tangent kernel's eigenvalues over their sum",
        long_name="effective rank of the tangent kernel", source=_BARATIN, trained=True, made_of="tangents",
        only=(SIGNS,),
    ),
    "layer_tangent_rank": Metric(
        f"{_MEASUREMENT}.kernel_spectrum:layer_tangent_rank",
        "tangent_kernel_rank of the gradients by one layer's weights alone, of every layer",
        long_name="effective rank of the layer's tangent kernel", source=_BARATIN, dims=("layer",), trained=True,
        made_of="tangents", only=(SIGNS,),
    ),
    "tangent_trace_ratio": Metric(
        f"{_MEASUREMENT}.kernel_spectrum:tangent_trace_ratio",
        "fraction of the centred tangent kernel's trace in its 1, 4 or 16 largest eigenvalues",
        long_name="fraction of the tangent kernel's trace in its largest eigenvalues", source=_BARATIN,
        dims=("largest",), coordinates={"largest": (1, 4, 16)}, trained=True, made_of="tangents", only=(SIGNS,),
    ),
    **{
        f"{prefix}path_spectrum": Metric(
            f"{_MEASUREMENT}.paths:{prefix}path_spectrum",
            "mean square of the predicted probabilities' part at every frequency, along straight paths between"
            f" {points} points, within a class and between classes",
            long_name=f"mean square between {points} points", source="Fridovich-Keil, Gontijo-Lopes & Roelofs 2022",
            trained=True, dims=("path_kind", "path_frequency"),
            coordinates={"path_kind": ("within", "between"), "path_frequency": _FREQUENCIES},
        )
        for prefix, points in (("", "training"), ("test_", "test"))
    },
    **{
        f"local_log_volume{suffix}": Metric(
            f"{_MEASUREMENT}.local_volume:local_log_volume{suffix}", words, long_name=long_name, units="nat",
            source="Scherlis & Belrose 2025", trained=True, made_of="directions",
            only=({"architecture": ("mlp", "cnn", "resnet"), "bias": ("none",), "output": ("trained",)},),
        )
        for suffix, words, long_name in (
            (
                "", "ln of the prior's part from which a straight line to the trained weights passes networks that fit",
                "log local volume",
            ),
            (
                "_stderr", f"its standard error, of {DIRECTIONS} directions; from .5 on the volume is a lower bound",
                "standard error of the log local volume",
            ),
        )
    },
    "tangent_margin": Metric(
        f"{_MEASUREMENT}.optima:tangent_margin", "largest margin of the tangent kernel",
        long_name="margin of the tangent kernel", source="Telgarsky 2022", trained=True, made_of="tangents",
        only=(SIGNS,),
    ),
    "weight_norm": Metric(
        "implicitbias.measurement.norms:weight_norm", "Frobenius norm of every weight matrix",
        long_name="Frobenius norm of the layer", source="this project", dims=("layer",),
    ),
}  # fmt: skip
