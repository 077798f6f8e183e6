"""The tables of everything a config can name. One function plus one entry here makes a new source, label
rule, optimizer, loss, estimator, metric, figure or check; schema, validation, tests and docs read these tables.

The tables hold names and numbers only and point to code by "module:function", so that a config is validated
in milliseconds without importing torch, and so that a job depends on the code of the entries that it uses
and on no other entry's (see `implicitbias.fingerprint`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from itertools import combinations
from math import log
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """A number, or a word among `choices`, that a config may set: its default, what is allowed, and what it means.

    `minimum` and `maximum` are inclusive; with `exclusive_minimum` and `exclusive_maximum` they are not. With
    `per_point` a multiple of the training set's size will do as well: "2n".
    """

    default: float | int | str
    summary: str
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False
    choices: tuple[str, ...] = ()
    per_point: bool = False


@dataclass(frozen=True)
class Entry:
    """A named piece of the laboratory: where its code is and what it is."""

    function: str
    summary: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


@dataclass(frozen=True)
class Activation(Entry):
    """A hidden activation phi.

    `dual` says whether `networks.kernels` has its infinite-width kernel in closed form. phi(r z)/r^degree is phi(z) for
    every r > 0 if it is `homogeneous`, and otherwise settles as r grows; |z phi'(z) - degree phi(z)| <= `defect`.
    """

    dual: bool = False
    degree: int = 1
    homogeneous: bool = True
    defect: float = 0.0


@dataclass(frozen=True)
class Optimizer(Entry):
    """An update rule; `equivariant`: without weight decay it may be run in the inputs' span, as gradient descent."""

    equivariant: bool = False


@dataclass(frozen=True)
class Source(Entry):
    """A data source.

    A real one has inputs `features` long and, in (training, test), `counts[digit]` points of every digit. A synthetic
    one has no counts: its function draws points and labels, as many as are wanted, given its parameters.
    """

    features: int = 0
    counts: tuple[tuple[int, ...], tuple[int, ...]] | None = None

    def sizes(self, digits: tuple[int, ...]) -> tuple[int, int]:
        """Number of training and test points of these digits of a real source."""
        assert self.counts is not None
        train, test = (sum(counts[digit] for digit in digits) for counts in self.counts)
        return train, test


@dataclass(frozen=True)
class Labels(Entry):
    """A label rule: for real sources a function of the `digits` that it keeps; without digits, for synthetic ones."""

    digits: tuple[int, ...] = ()


@dataclass(frozen=True)
class Metric(Entry):
    """A metric of a run: a function of the arrays that its argument names ask for (see `measurement`).

    `dims` are dimensions that its values add to the run's; with `over_networks` it takes the networks of a run
    (members, or accepted draws) together, as the last leading dimension, and its values do not have that dimension.
    `trained` says that it needs the weights or the loss of a trained run, `over_steps` that a value depends on other
    checkpoints too, `losses` for which losses it has a meaning (empty: all), `depth` for which depths. `coordinates`
    are of those `dims` that runs do not have; the function can ask for them by name.
    """

    long_name: str = ""
    units: str = "1"
    source: str = ""
    dims: tuple[str, ...] = ()
    over_networks: bool = False
    trained: bool = False
    over_steps: bool = False
    losses: tuple[str, ...] = ()
    depth: tuple[int, ...] = ()
    coordinates: Mapping[str, tuple[float | str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Experiment(Entry):
    """A small system that is computed whole: a function of `seed` and its parameters that gives a dataset.

    `variables` are those of the dataset, `dims` its dimensions; `minutes` on a core, at the default parameters. One
    with a `task` is given the study's tasks, one seed at a time.
    """

    variables: tuple[str, ...] = ()
    dims: tuple[str, ...] = ()
    minutes: float = 1.0
    task: bool = False


@dataclass(frozen=True)
class Figure(Entry):
    """A figure of a study: `needs` lists the dataset variables and `axes` the dimensions that it cannot do without.

    `options` are the settings by which the config says what it shows; `quantities` is how many of these it needs.
    """

    alt: str = ""
    needs: tuple[str, ...] = ()
    axes: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    quantities: int = 1


def resolve(entry: Entry) -> Callable[..., Any]:
    """The function that an entry points to."""
    module, name = entry.function.split(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function


# --------------------------------------------------------------------------------------------- data
def _synthetic(name: str, summary: str, *, features: int = 0, **parameters: Parameter) -> Source:
    """A synthetic source; one whose number of features is not its own has the parameter `features`."""
    free = (
        {}
        if features
        else {"features": Parameter(100, "dimension d of the inputs, or a multiple 2n", 1, per_point=True)}
    )
    flip = {"flip": Parameter(0.0, "share of training labels that are turned round", 0, 0.5)}
    return Source(f"implicitbias.tasks.synthetic:{name}", summary, {**free, **parameters, **flip}, features=features)


SOURCES: dict[str, Source] = {
    "digits": Source(
        "implicitbias.tasks.digits:load",
        "scikit-learn's 8x8 handwritten digits (UCI optdigits test set), embedded",
        features=64,
        counts=((123, 117, 115, 124, 109, 137, 118, 112, 124, 121), (55, 65, 62, 59, 72, 45, 63, 67, 50, 59)),
    ),
    "mnist": Source(
        "implicitbias.tasks.mnist:load",
        "MNIST handwritten digits, 28x28, downloaded with checksums or taken from data/raw/mnist",
        features=784,
        counts=(
            (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
            (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
        ),
    ),
    "gaussian": _synthetic("gaussian", "x ~ N(0, I), labels by coin: nearly orthogonal where d >> n"),
    "orthogonal": _synthetic("orthogonal", "exactly orthogonal training points of norm sqrt(d), labels by coin"),
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
        signal=Parameter(0.05, "share s of the squared norm that carries the label", 0, 1),
    ),
    "xor_clusters": _synthetic(
        "xor_clusters", "clusters +-e1 (-1) and +-e2 (+1) in the plane (Tsoy & Konstantinov 2024)", features=2,
        spread=Parameter(0.005, "standard deviation of a cluster, cut at twice that", 0),
    ),
    "disc_grid": _synthetic(
        "disc_grid", "a grid of discs in two of d coordinates, the last of which is 1 (Chizat & Bach 2020)",
        grid=Parameter(3, "discs along a side", 1),
    ),
    "sparse_teacher": _synthetic(
        "sparse_teacher", "x ~ N(0, I), y the sign of a sparse two-layer network (Tsilivis et al. 2025)",
        teacher=Parameter(64, "neurons of the teacher", 1),
        active=Parameter(3, "coordinates that matter to a neuron, or to the parity", 1),
    ),
    "sparse_parity": _synthetic(
        "sparse_parity", "x uniform on {+-1/sqrt(d)}^d, y the parity of a few signs (Telgarsky 2022)",
        active=Parameter(2, "coordinates that matter to a neuron, or to the parity", 1),
    ),
}  # fmt: skip

_DIGITS = tuple(range(10))
LABELS: dict[str, Labels] = {
    "decimal": Labels("implicitbias.tasks.labels:parity", "all ten digits, odd +1 and even -1", digits=_DIGITS),
    "binary": Labels("implicitbias.tasks.labels:parity", "the digits 0 and 1 only, 1 -> +1 and 0 -> -1", digits=(0, 1)),
    "random": Labels("implicitbias.tasks.labels:random", "all ten digits, labels drawn by coin", digits=_DIGITS),
    "binary_random": Labels(
        "implicitbias.tasks.labels:random", "the digits 0 and 1 only, labels drawn by coin", digits=(0, 1)
    ),
    "own": Labels("implicitbias.tasks.labels:own", "the labels that a synthetic source comes with"),
} | {
    f"{a}v{b}": Labels("implicitbias.tasks.labels:pair", f"the digits {a} (-1) and {b} (+1) only", digits=(a, b))
    for a, b in combinations(_DIGITS, 2)
}


def not_labelled_by(source: str, labels: str) -> list[str]:
    """The label rules that go with a source, if `labels` is not one of them; otherwise nothing."""
    real = SOURCES[source].counts is not None
    allowed = [name for name, rule in LABELS.items() if bool(rule.digits) == real or (not real and name == "random")]
    return [] if labels in allowed else allowed


# ----------------------------------------------------------------------------------------- networks
ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(
        "implicitbias.networks.activations:relu", "sqrt(2) max(z, 0): keeps the second moment", dual=True
    ),
    "leaky_relu": Activation(
        "implicitbias.networks.activations:leaky_relu", "sqrt(2/(1 + slope^2)) max(slope z, z): keeps second moments",
        {"slope": Parameter(0.1, "slope of the negative side", 0, 1)}, dual=True,
    ),
    "plain_relu": Activation("implicitbias.networks.activations:plain_relu", "max(z, 0)"),
    "plain_leaky_relu": Activation(
        "implicitbias.networks.activations:plain_leaky_relu", "max(slope z, z)",
        {"slope": Parameter(0.1, "slope of the negative side", 0, 1)},
    ),
    "smooth_leaky_relu": Activation(
        "implicitbias.networks.activations:smooth_leaky_relu", "slope z + (1 - slope) log((1 + e^z)/2)",
        {"slope": Parameter(0.1, "slope of the negative side", 0, 1)}, homogeneous=False, defect=log(2),
    ),
    "squared_relu": Activation("implicitbias.networks.activations:squared_relu", "max(z, 0)^2", degree=2),
    "gelu": Activation("implicitbias.networks.activations:gelu", "z Phi(z)", homogeneous=False, defect=0.2936),
    "silu": Activation("implicitbias.networks.activations:silu", "z/(1 + e^-z)", homogeneous=False, defect=0.4393),
    "tanh": Activation("implicitbias.networks.activations:tanh", "tanh(z)", degree=0, homogeneous=False, defect=0.4477),
    "erf": Activation(
        "implicitbias.networks.activations:erf", "erf(z)", dual=True, degree=0, homogeneous=False, defect=0.4839
    ),
    "linear": Activation("implicitbias.networks.activations:linear", "z", dual=True),
}  # fmt: skip

_INITIALISATION = "implicitbias.networks.initialisation"
INITIALISATIONS: dict[str, Entry] = {
    "fan_in": Entry(f"{_INITIALISATION}:fan_in", "N(0, 1/fan_in)"),
    "glorot": Entry(f"{_INITIALISATION}:glorot", "N(0, 2/(fan_in + fan_out))"),
    "normal": Entry(f"{_INITIALISATION}:normal", "N(0, 1)"),
    "uniform": Entry(f"{_INITIALISATION}:uniform", "U[-1/fan_in, 1/fan_in]"),
    "fan_in_uniform": Entry(f"{_INITIALISATION}:fan_in_uniform", "U[-1, 1]/sqrt(fan_in), torch's own"),
    "orthogonal": Entry(
        f"{_INITIALISATION}:orthogonal", "semi-orthogonal times sqrt(fan_out/fan_in) (Bernstein et al. 2023)"
    ),
    "axes": Entry(
        f"{_INITIALISATION}:axes",
        "rows on the axes, of sizes 1, .1, .001, .01, output weights of these sizes (Tsoy & Konstantinov 2024)",
    ),
    "balanced": Entry(f"{_INITIALISATION}:balanced", "rows N(0, I/fan_in), output weights of the rows' norms"),
}

LOSSES: dict[str, Entry] = {
    "norm": Entry("implicitbias.losses:norm", "|f(X) - alpha y|_2 over the batch (Bernstein & Yue 2021)"),
    "square": Entry("implicitbias.losses:square", "mean of (f(x) - alpha y)^2 over the batch"),
    "logistic": Entry("implicitbias.losses:logistic", "mean of log(1 + exp(-y f(x)/alpha)) over the batch"),
    "exponential": Entry(
        "implicitbias.losses:exponential", "log of the mean of exp(-y f(x)/alpha) over the batch (log domain)"
    ),
    "log_logistic": Entry(
        "implicitbias.losses:log_logistic", "log of the mean of log(1 + exp(-y f(x)/alpha)) over the batch (log domain)"
    ),
    "hinge": Entry("implicitbias.losses:hinge", "sum of max(0, 1 - y f(x)/alpha) over the batch"),
    "cross_entropy": Entry(
        "implicitbias.losses:cross_entropy", "two-class cross-entropy of the logits (0, f(x)/alpha)"
    ),
}

OPTIMIZERS: dict[str, Optimizer] = {
    "nero": Optimizer(
        "implicitbias.optimizers.nero:nero",
        "Nero (Liu, Bernstein, Meister & Yue 2021): rows kept at mean 0 and norm 1, per-neuron normalised steps",
        {"beta": Parameter(0.999, "decay of the per-neuron squared gradient norm", 0, 1, exclusive_maximum=True)},
    ),
    "sgd": Optimizer(
        "implicitbias.optimizers.sgd:sgd",
        "(stochastic) gradient descent; full batch by batch_size: full",
        {"weight_decay": Parameter(0.0, "weight decay: lambda of a penalty (lambda/2) |w|^2", 0)},
        equivariant=True,
    ),
    "momentum": Optimizer(
        "implicitbias.optimizers.momentum:momentum",
        "heavy-ball momentum, v <- mu v + g, w <- w - lr v (torch.optim.SGD)",
        {"momentum": Parameter(0.9, "heavy-ball coefficient", 0, 1, exclusive_maximum=True)},
        equivariant=True,
    ),
    **{
        f"steepest_{norm}": Optimizer(
            f"implicitbias.optimizers.steepest:{norm}",
            f"steepest descent in {what} (Tsilivis, Vardi & Kempe 2025)",
            {
                "power": Parameter(
                    1, "power of the gradient's dual norm in the step: 1 raw, 0 unit steps, -1 log domain", -1, 1
                ),
                "decrease": Parameter(0.0, "largest decrease of the loss that a step's gradient predicts; 0: any", 0),
            },
            equivariant=norm in ("l2", "spectral"),
        )
        for norm, what in (
            ("l2", "the 2-norm: gradient descent"),
            ("linf", "the largest entry: sign descent"),
            ("l1", "the sum of entries: coordinate descent"),
            ("spectral", "the largest spectral norm of a layer: Muon and Shampoo without memory"),
        )
    },
    "shampoo": Optimizer(
        "implicitbias.optimizers.shampoo:shampoo",
        "Shampoo (Gupta, Koren & Singer 2018): two preconditioners a layer, over all gradients so far",
        {"epsilon": Parameter(1e-4, "preconditioners start at epsilon times the identity", 0, exclusive_minimum=True)},
        equivariant=True,
    ),
    "agd": Optimizer(
        "implicitbias.optimizers.agd:agd",
        "automatic gradient descent (Bernstein et al. 2023): steps from the architecture, no learning rate to choose",
    ),
    "adam": Optimizer(
        "implicitbias.optimizers.adam:adam",
        "Adam (Kingma & Ba 2015), bias-corrected",
        {
            "beta1": Parameter(0.9, "decay of the first moment", 0, 1, exclusive_maximum=True),
            "beta2": Parameter(0.999, "decay of the second moment", 0, 1, exclusive_maximum=True),
            "epsilon": Parameter(1e-8, "added to the root of the second moment", 0, exclusive_minimum=True),
        },
    ),
}

SCHEDULES: dict[str, Entry] = {
    "decaying": Entry("implicitbias.training.schedules:decaying", "learning_rate decay^epoch step^-step_exponent"),
    "plain": Entry(
        "implicitbias.training.schedules:plain", "as decaying, of the loss itself where its logarithm is differentiated"
    ),
    "scale_free": Entry(
        "implicitbias.training.schedules:scale_free",
        "as decaying, times max(1, |theta|/sqrt(m))^(2 - M), M the degree of homogeneity (Chizat & Bach 2020)",
    ),
    "loss_based": Entry(
        "implicitbias.training.schedules:loss_based",
        "steps of a/L: the mean loss L; a starts at learning_rate, grows after an epoch that lowered L, else the epoch"
        " is taken back and a shrinks (Lyu & Li 2020)",
    ),
}

TARGETS: dict[str, Entry] = {
    "labels": Entry("implicitbias.training.targets:labels", "the labels"),
    "spherised": Entry(
        "implicitbias.training.spherised:spherised",
        "|N(0, 1)| |K|^(1/2n) times the label, drawn for every network and point",
    ),
}
"""What networks are trained to, times the label scale."""

# --------------------------------------------------------------------------------------------- nngp
ESTIMATORS: dict[str, Entry] = {
    "bound": Entry("implicitbias.nngp.bounds:bound", "closed upper bound C1 on the complexity (Bernstein & Yue 2021)"),
    "importance": Entry(
        "implicitbias.nngp.importance:importance", "the authors' Monte Carlo estimator (has not converged at n >= 100)"
    ),
    "mixture": Entry(
        "implicitbias.nngp.mixture:mixture", "defensive mixture of EP-guided and minimax-tilted sampling (default)"
    ),
    "tilting": Entry("implicitbias.nngp.mixture:tilting", "minimax-tilted sampling alone (Botev 2017)"),
    "genz": Entry("implicitbias.nngp.mixture:genz", "untilted sequential sampling (Genz 1992, GHK)"),
    "subset": Entry(
        "implicitbias.nngp.subset:subset", "subset simulation with elliptical slices (Gessner, Kanjilal & Hennig 2020)"
    ),
    "ep": Entry("implicitbias.nngp.ep:ep", "expectation propagation: deterministic, without an error bar"),
}

# ------------------------------------------------------------------------------------------ metrics
_BY = "Bernstein & Yue 2021"
_MEASUREMENT = "implicitbias.measurement"
_MARGIN_LOSSES = ("logistic", "log_logistic", "cross_entropy", "exponential")
_NORMS = {
    "l2": "2-norm", "linf": "largest entry", "l1": "sum of entries", "spectral": "largest singular value of a layer",
}  # fmt: skip
_TSILIVIS = "Tsilivis, Vardi & Kempe 2025, section 3"
_PLANE = tuple(position / 40 for position in range(-48, 49))  # in units of the training points' largest coordinate
METRICS: dict[str, Metric] = {
    "train_error": Metric(
        "implicitbias.measurement.errors:train_error", "share of wrong signs on the training points",
        long_name="training error", source=f"{_BY}, section 4",
    ),
    "test_error": Metric(
        "implicitbias.measurement.errors:test_error", "share of wrong signs on the test points",
        long_name="test error", source=f"{_BY}, section 4",
    ),
    "vote_error": Metric(
        "implicitbias.measurement.errors:vote_error", "share of test points on which most of the networks are wrong",
        long_name="test error of the networks' majority vote", source=f"{_BY} (second version), section 5",
        over_networks=True,
    ),
    "average_error": Metric(
        "implicitbias.measurement.errors:average_error", "share of test points on which the networks' mean is wrong",
        long_name="test error of the networks' average", source="Farhang et al. 2022, section 5", over_networks=True,
    ),
    "geometric_complexity": Metric(
        f"{_MEASUREMENT}.slopes:geometric_complexity", "mean of |df/dx|^2 over the training points",
        long_name="geometric complexity", source="Dherin et al. 2022, definition 3.1", trained=True,
    ),
    "boundary_distance": Metric(
        f"{_MEASUREMENT}.slopes:boundary_distance", "median of y f/|df/dx| over the training points",
        long_name="distance to the decision boundary (first order)", source="Lyu & Li 2020, section 6", trained=True,
    ),
    "normalized_margin": Metric(
        "implicitbias.measurement.margins:normalized_margin",
        "min_i y_i f(x_i) over |x_i| prod_l |W_l|_F/sqrt(min(d_l, d_l-1))",
        long_name="normalised margin", source="Farhang et al. 2022, section 2",
    ),
    "output_scale": Metric(
        "implicitbias.measurement.outputs:output_scale", "mean |f(x)| over the test points",
        long_name="mean absolute output", source=f"{_BY}, section 5",
    ),
    "train_loss": Metric(
        f"{_MEASUREMENT}.outputs:train_loss", "loss over the whole training set (of a log-domain loss, its logarithm)",
        long_name="training loss", source="this project", trained=True,
    ),
    **{
        f"margin_{norm}": Metric(
            f"{_MEASUREMENT}.margins:margin_{norm}", f"min_i y_i f(x_i) over the M-th power of the {what}",
            long_name=f"margin by the {what}", source=_TSILIVIS, trained=True,
        )
        for norm, what in _NORMS.items()
    },
    **{
        f"soft_margin_{norm}": Metric(
            f"{_MEASUREMENT}.margins:soft_margin_{norm}", f"inverse of the summed loss over the {what} to the M",
            long_name=f"soft margin by the {what}", source="Lyu & Li 2020, section 4", trained=True,
            losses=_MARGIN_LOSSES,
        )
        for norm, what in _NORMS.items()
    },
    "margin_layers": Metric(
        f"{_MEASUREMENT}.margins:margin_layers", "min_i y_i f(x_i) over the product of the layers' Frobenius norms",
        long_name="margin by the layers' norms", source="Lyu & Li 2020, section 6",
    ),
    "margin_f1": Metric(
        f"{_MEASUREMENT}.margins:margin_f1", "min_i y_i f(x_i) over the mean of |(a_j, b_j)|^2, mean-field networks",
        long_name="margin by the variation norm F1", source="Chizat & Bach 2020, section 5", trained=True, depth=(2,),
    ),
    "margin_f2": Metric(
        f"{_MEASUREMENT}.margins:margin_f2", "min_i y_i f(x_i) over |b|/sqrt(m), mean-field networks",
        long_name="margin by the kernel norm F2", source="Chizat & Bach 2020, section 5", trained=True, depth=(2,),
    ),
    "margin_ratio": Metric(
        f"{_MEASUREMENT}.margins:margin_ratio", "smallest over largest y_i f(x_i)",
        long_name="smallest over largest margin", source="Kou, Chen & Gu 2023, section 4",
    ),
    "support_count": Metric(
        f"{_MEASUREMENT}.margins:support_count", "points with an exponential loss within a factor 10 of the largest",
        long_name="number of support points", source="Lyu & Li 2020, section 4", trained=True,
    ),
    **{
        f"alignment_{norm}": Metric(
            f"{_MEASUREMENT}.kkt:alignment_{norm}", f"<theta/|theta|, -g/|g|_*> by the {what}: 1 at a KKT point",
            long_name=f"alignment by the {what}", source=_TSILIVIS, trained=True, losses=_MARGIN_LOSSES,
        )
        for norm, what in _NORMS.items()
    },
    **{
        f"bregman_{norm}": Metric(
            f"{_MEASUREMENT}.kkt:bregman_{norm}", f"Bregman divergence from stationarity by the {what}",
            long_name=f"Bregman residual by the {what}", source=_TSILIVIS, trained=True, losses=_MARGIN_LOSSES,
        )
        for norm, what in _NORMS.items()
    },
    "kkt_stationarity": Metric(
        f"{_MEASUREMENT}.kkt:kkt_stationarity", "|v - theta|/|theta|, v the loss's descent direction: 0 at a KKT point",
        long_name="KKT residual (stationarity)", source="Lyu & Li 2020, section 4", trained=True, losses=_MARGIN_LOSSES,
    ),
    "kkt_slackness": Metric(
        f"{_MEASUREMENT}.kkt:kkt_slackness", "sum of multipliers times how far margins exceed the smallest",
        long_name="KKT residual (slackness)", source="Lyu & Li 2020, section 4", trained=True, losses=_MARGIN_LOSSES,
    ),
    "nnls_residual": Metric(
        f"{_MEASUREMENT}.kkt:nnls_residual", "distance of theta/|theta| to the cone of the support points' gradients",
        long_name="KKT residual (any multipliers)", source="this project", trained=True,
    ),
    "direction_cosine": Metric(
        f"{_MEASUREMENT}.directions:direction_cosine", "cosine between the trained weights and the last checkpoint's",
        long_name="cosine to the last direction", source="Ji & Telgarsky 2020", trained=True, over_steps=True,
    ),
    "path_length": Metric(
        f"{_MEASUREMENT}.directions:path_length", "length of the path of theta/|theta| over the checkpoints so far",
        long_name="path length of the direction", source="Ji & Telgarsky 2020", trained=True, over_steps=True,
    ),
    "path_alignment": Metric(
        f"{_MEASUREMENT}.directions:path_alignment", "cosine between theta and its move since the checkpoint before",
        long_name="alignment with the mean gradient", source="Ji & Telgarsky 2020, section 4", trained=True,
        over_steps=True,
    ),
    "parameter_norm": Metric(
        f"{_MEASUREMENT}.norms:parameter_norm", "2-norm of all trained weights",
        long_name="norm of the trained weights", source="Lyu & Li 2020", trained=True,
    ),
    "balancedness": Metric(
        f"{_MEASUREMENT}.neurons:balancedness", "max_j ||w_j|^2 - v_j^2| over |theta|^2",
        long_name="imbalance of the layers", source="Min, Mallada & Vidal 2023", trained=True, depth=(2,),
    ),
    "rotation": Metric(
        f"{_MEASUREMENT}.neurons:rotation", "weighted mean of 1 - cos(w_j at the first checkpoint, w_j)",
        long_name="rotation of the neurons", source="Telgarsky 2022", trained=True, over_steps=True, depth=(2,),
    ),
    "neuron_angle": Metric(
        f"{_MEASUREMENT}.neurons:neuron_angle", "angle between w_j at the first checkpoint and w_j",
        long_name="angle of the neuron to its start", units="rad", source="Tsoy & Konstantinov 2024",
        dims=("neuron_0",), trained=True, over_steps=True, depth=(2,),
    ),
    "neuron_norm": Metric(
        f"{_MEASUREMENT}.neurons:neuron_norm", "norm of w_j",
        long_name="norm of the neuron", source="Tsoy & Konstantinov 2024", dims=("neuron_0",), trained=True, depth=(2,),
    ),
    "class_alignment": Metric(
        f"{_MEASUREMENT}.neurons:class_alignment", "weighted mean of cos(w_j, sum of the inputs of its sign's class)",
        long_name="alignment of neurons and classes", source="Min, Mallada & Vidal 2023", trained=True, depth=(2,),
    ),
    "stable_rank": Metric(
        f"{_MEASUREMENT}.rank:stable_rank", "|W|_F^2/|W|_2^2 of the first layer",
        long_name="stable rank of the first layer", source="Frei et al. 2023, section 4", trained=True,
    ),
    "stable_rank_share": Metric(
        f"{_MEASUREMENT}.rank:stable_rank_share", "stable rank of the first layer over that of the first checkpoint",
        long_name="share of the initial stable rank", source="Frei et al. 2023, section 5", trained=True,
        over_steps=True,
    ),
    "positive_stable_rank": Metric(
        f"{_MEASUREMENT}.rank:positive_stable_rank", "|W|_F^2/|W|_2^2 of the neurons with a positive output weight",
        long_name="stable rank of the positive neurons", source="Kou, Chen & Gu 2023, section 4", trained=True,
        depth=(2,),
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
    ),
    "euler_defect": Metric(
        f"{_MEASUREMENT}.homogeneity:euler_defect", "max_i |<grad f_i, theta> - M f_i| over max_i |f_i|",
        long_name="defect in Euler's identity", source="Cai et al. 2025", trained=True,
    ),
    "modified_margin": Metric(
        f"{_MEASUREMENT}.homogeneity:modified_margin", "(inverse loss - bound on Euler's defect) over |theta|^M",
        long_name="modified margin", source="Cai et al. 2025, theorem 3.1", trained=True, losses=_MARGIN_LOSSES,
        depth=(2, 3),
    ),
    "plane_output": Metric(
        f"{_MEASUREMENT}.plane:plane_output",
        "output over a square in the first two coordinates, the others being at their means",
        long_name="output in the plane", source="Chizat & Bach 2020, section 5", trained=True,
        dims=("plane_y", "plane_x"), coordinates={"plane_y": _PLANE, "plane_x": _PLANE},
    ),
    "plane_point": Metric(
        f"{_MEASUREMENT}.plane:plane_point", "training points in the first two coordinates, and their labels",
        long_name="training points in the plane", source="Chizat & Bach 2020, section 5",
        dims=("train_point", "plane_axis"), coordinates={"plane_axis": ("x", "y", "label")},
    ),
    "svm_cosine": Metric(
        f"{_MEASUREMENT}.optima:svm_cosine", "cosine between the product of all layers and the l2 max-margin direction",
        long_name="cosine to the max-margin direction", source="Frei et al. 2023, theorem 3.2", trained=True,
    ),
    "svm_norm_ratio": Metric(
        f"{_MEASUREMENT}.optima:svm_norm_ratio", "norm of the product of all layers at margin 1, over the smallest",
        long_name="norm over the max-margin vector's", source="Frei et al. 2023, theorem 3.2", trained=True,
    ),
    "optimum_cosine": Metric(
        f"{_MEASUREMENT}.optima:optimum_cosine", "cosine between the first layer and the optimum of its convex program",
        long_name="cosine to the convex optimum", source="Frei et al. 2023, theorem 3.2", trained=True, depth=(2,),
    ),
    "margin_l2_share": Metric(
        f"{_MEASUREMENT}.optima:margin_l2_share", "l2 margin over its optimum, where f is linear in what is trained",
        long_name="margin over the largest one (2-norm)", source="Zhang, Zou & Cao 2024", trained=True,
    ),
    "margin_linf_share": Metric(
        f"{_MEASUREMENT}.optima:margin_linf_share", "margin by the largest weight over its optimum, one layer",
        long_name="margin over the largest one (largest entry)", source="Zhang, Zou & Cao 2024", trained=True,
        depth=(1,),
    ),
    "tangent_margin": Metric(
        f"{_MEASUREMENT}.optima:tangent_margin", "largest margin of the tangent kernel",
        long_name="margin of the tangent kernel", source="Telgarsky 2022", trained=True,
    ),
    "weight_norm": Metric(
        "implicitbias.measurement.norms:weight_norm", "Frobenius norm of every weight matrix",
        long_name="Frobenius norm of the layer", source="this project", dims=("layer",),
    ),
}  # fmt: skip

# ---------------------------------------------------------------------------------------- studies
NNGP_VARIABLES: dict[str, tuple[str, ...]] = {
    "estimators": ("complexity", "complexity_stderr", "effective_sample_size", "pac_bayes_bound"),
    "posterior": (
        "gibbs_error",
        "gibbs_error_stderr",
        "bayes_error",
        "kernel_interpolation_error",
        "spherised_gibbs_error",
        "spherised_gibbs_error_stderr",
        "spherised_bayes_error",
        "test_points",
    ),
    "label_scale": ("ray_error", "ray_error_std"),
}
"""What `implicitbias.nngp.evaluate` adds to a study, by the config key that asks for it."""

SAMPLED = ("mixture", "tilting", "genz", "subset", "importance")
"""Estimators that draw samples and state a standard error."""


def _width(default: int) -> Parameter:
    return Parameter(default, "neurons of a hidden layer", 1)


def _draws(default: int) -> Parameter:
    return Parameter(default, "random networks", 1)


def _steps(default: int) -> Parameter:
    return Parameter(default, "steps of the optimizer", 1)


EXPERIMENTS: dict[str, Experiment] = {
    "calibration": Experiment(
        "implicitbias.nngp.calibration:calibrate",
        "an estimator of orthant probabilities against random problems with known answers",
        {
            "estimator": Parameter("mixture", "whose error bars are tested", choices=SAMPLED),
            "problems": Parameter(200, "random problems, of 1 to 1000 points", 1),
            "samples": Parameter(4096, "samples a problem", 256),
        },
        variables=("complexity", "complexity_stderr", "exact_complexity", "points", "score"), dims=("problem",),
        minutes=2,
    ),
    "gradient_regularisation": Experiment(
        "implicitbias.experiments.regularisation:gradient_regularisation",
        "the flow that gradient descent of a finite step follows (Barrett & Dherin 2021)",
        {
            "step_size": Parameter(0.025, "step h of gradient descent", 0, exclusive_minimum=True),
            "time": Parameter(4.0, "time at which weights are compared", 0, exclusive_minimum=True),
            "width": _width(16),
            "level": Parameter(0.4, "share of the initial loss at which gradients are compared", 0, 1,
                exclusive_minimum=True, exclusive_maximum=True),
        },
        variables=("distance", "modified_distance", "slope"),
    ),
    "inconsistency": Experiment(
        "implicitbias.experiments.inconsistency:inconsistency",
        "two-layer relu networks that stay at a bad local minimum (Holzmüller & Steinwart 2020)",
        {
            "width": _width(64),
            "offset": Parameter(0.0, "added to all labels", 0),
            "draws": _draws(400),
            "steps": _steps(3000),
        },
        variables=("event_frequency", "event_frequency_stderr", "median_loss"),
    ),
    "guessed_gradients": Experiment(
        "implicitbias.experiments.guessing:guessed_gradients",
        "cosines of guessed gradients with the true one (Singhal et al. 2023)",
        {
            "width": _width(256),
            "features": Parameter(784, "Gaussian inputs", 2),
            "classes": Parameter(10, "outputs", 2),
            "draws": _draws(200),
        },
        variables=("cosine", "cosine_stderr"), dims=("guess",),
    ),
    "boolean_prior": Experiment(
        "implicitbias.experiments.boolean:boolean_prior",
        "the prior of random networks over Boolean functions (Valle-Perez, Camargo & Louis 2019)",
        {
            "inputs": Parameter(7, "bits", 3, 12),
            "width": _width(40),
            "draws": _draws(100000),
            "kept": Parameter(2000, "the most frequent functions that are kept", 1),
        },
        variables=("probability", "complexity", "functions"), dims=("rank",),
    ),
    "spectral_bias": Experiment(
        "implicitbias.experiments.spectral:spectral_bias",
        "which frequencies a network learns first (Rahaman et al. 2019)",
        {
            "rising": Parameter(0, "1: higher frequencies have larger amplitudes", 0, 1),
            "width": _width(128),
            "depth": Parameter(6, "linear layers", 2),
            "learning_rate": Parameter(3e-4, "step of Adam", 0, exclusive_minimum=True),
            "level": Parameter(0.9, "share of the amplitude that counts as learned", 0, 1, exclusive_minimum=True,
                exclusive_maximum=True),
            "steps": _steps(20000),
            "every": Parameter(200, "steps between records", 1),
        },
        variables=("learned", "first_step", "robust"), dims=("frequency", "step", "radius"), minutes=3,
    ),
    "guess_and_check": Experiment(
        "implicitbias.experiments.guess_and_check:guess_and_check",
        "random networks that fit against trained ones (Chiang et al. 2023; Peleg & Hein 2024)",
        {
            "architecture": Parameter("mlp", "of the image classifiers", choices=("mlp", "lenet")),
            "factor": Parameter(1.0, "factor on the widths of all layers", 0, exclusive_minimum=True),
            "layers": Parameter(5, "weight matrices that are left", 2, 5),
            "networks": Parameter(100, "wanted of each kind", 2),
            "draws": _draws(1_000_000),
            "learning_rate": Parameter(0.01, "step of gradient descent", 0, exclusive_minimum=True),
            "epochs": Parameter(60, "passes of sgd and gd", 1),
        },
        variables=(
            "test_accuracy", "test_accuracy_stderr", "fitting", "normalized_loss",
            "guess_acceptance", "guess_acceptance_stderr",
        ),
        dims=("found_by",), minutes=2, task=True,
    ),
    "boolean_posterior": Experiment(
        "implicitbias.experiments.boolean:boolean_posterior",
        "functions of random networks that fit against those of trained ones (Mingard et al. 2021)",
        {
            "inputs": Parameter(7, "bits", 3, 12),
            "width": _width(40),
            "train_size": Parameter(32, "training inputs", 1),
            "draws": _draws(300_000),
            "runs": Parameter(500, "trained networks", 1),
            "learning_rate": Parameter(0.1, "step of SGD", 0, exclusive_minimum=True),
            "batch": Parameter(8, "training points a step", 1),
            "epochs": Parameter(1000, "passes through the training set, at most", 1),
            "kept": Parameter(2000, "the most frequent functions that are kept", 1),
        },
        variables=(
            "bayes_probability", "sgd_probability", "bayes_count", "sgd_count", "bayes_accuracy", "sgd_accuracy",
            "target_complexity",
        ),
        dims=("rank",), minutes=3,
    ),
    "simplicity_bias": Experiment(
        "implicitbias.experiments.simplicity:simplicity_bias",
        "networks that rely on the simplest feature alone (Shah et al. 2020)",
        {
            "data": Parameter(
                "lms_5", "slabs of the first and of the other coordinates",
                choices=("lms_5", "lms_7", "noisy_lms_7", "ms_5_7", "ms_7"),
            ),
            "train_size": Parameter(40_000, "training points", 1),
            "test_size": Parameter(10_000, "test points", 2),
            "features": Parameter(50, "coordinates", 2),
            "width": _width(100),
            "depth": Parameter(3, "linear layers", 2),
            "learning_rate": Parameter(1.0, "step of SGD", 0, exclusive_minimum=True),
            "weight_decay": Parameter(5e-4, "weight decay of SGD", 0),
            "epochs": Parameter(80, "passes through the training set", 1),
            "batch": Parameter(256, "training points a step", 1),
            "noise": Parameter(0.1, "share of points whose linear coordinate is noise (noisy_lms_7)", 0, 1),
        },
        variables=("train_accuracy", "accuracy", "auc", "simple_randomized_auc", "complex_randomized_auc"), minutes=2,
    ),
    "pruning": Experiment(
        "implicitbias.experiments.pruning:pruning",
        "random pruning before training, on a signal beside noise (Yang et al. 2023)",
        {
            "keep": Parameter(0.5, "probability that a weight is kept", 0, 1, exclusive_minimum=True),
            "width": _width(10),
            "features": Parameter(2000, "coordinates", 2),
            "train_size": Parameter(40, "training points", 1),
            "signal": Parameter(0.7, "size of the signal; the noise's is 1", 0, exclusive_minimum=True),
            "test_size": Parameter(1000, "test points", 2),
            "draws": _draws(20),
            "learning_rate": Parameter(20.0, "step of gradient descent", 0, exclusive_minimum=True),
            "steps": _steps(1000),
        },
        variables=("train_loss", "train_error", "test_error", "signal_neurons"),
    ),
    "ball_indicator": Experiment(
        "implicitbias.experiments.ball:ball_indicator",
        "one or two hidden layers for the indicator of a ball (after Safran & Lee 2022)",
        {
            "features": Parameter(10, "coordinates", 2),
            "width": _width(200),
            "train_size": Parameter(1000, "training points", 1),
            "test_size": Parameter(4000, "test points", 2),
            "draws": _draws(4),
            "learning_rate": Parameter(0.003, "step of Adam", 0, exclusive_minimum=True),
            "steps": _steps(1500),
        },
        variables=("test_loss", "test_loss_stderr", "test_error", "test_error_stderr"), dims=("network",),
    ),
    "frequency_bias": Experiment(
        "implicitbias.experiments.spectral:frequency_bias",
        "how fast frequencies on a circle are learned by a Sobolev loss (Yu, Yang & Townsend 2023)",
        {
            "sobolev": Parameter(0.0, "order s of the loss"),
            "points": Parameter(400, "points on the circle", 8),
            "degrees": Parameter(16, "frequencies that are followed", 1),
        },
        variables=("eigenvalue", "half_time"), dims=("degree",),
    ),
}  # fmt: skip

_CHECKS = "implicitbias.studies.checks"
_DESCENT = "implicitbias.studies.descent"
_FUNCTIONS = "implicitbias.studies.functions"
_SYSTEMS = "implicitbias.studies.systems"
CHECKS: dict[str, Entry] = {
    "width_helps_gradient_descent": Entry(
        f"{_SYSTEMS}:width_helps_gradient_descent",
        "SGD: rank correlation of width and accuracy (about its mean at each n and seed) above 0 by its 95 % interval",
    ),
    "width_leaves_guesses_alone": Entry(
        f"{_SYSTEMS}:width_leaves_guesses_alone",
        "random networks that fit: the widest are within 2.5 points of the narrowest in accuracy",
    ),
    "depth_lowers_accuracy": Entry(
        f"{_SYSTEMS}:depth_lowers_accuracy",
        "the deepest networks are less accurate than the shallowest, random and trained by SGD",
    ),
    "trained_networks_beat_guesses": Entry(
        f"{_SYSTEMS}:trained_networks_beat_guesses",
        "at every size, SGD's networks are more accurate on the mean than random ones that fit as well",
    ),
    "trained_networks_follow_the_prior": Entry(
        f"{_SYSTEMS}:trained_networks_follow_the_prior",
        "functions that ten networks of both kinds have: rank correlation of their shares above .4 (five functions)",
    ),
    "trained_networks_generalise_as_random_ones": Entry(
        f"{_SYSTEMS}:trained_networks_generalise_as_random_ones",
        "on the mean over targets, trained networks that fit are as accurate as random ones, within .05, or more so",
    ),
    "complexity_falls_with_regularisation": Entry(
        f"{_SYSTEMS}:complexity_falls_with_regularisation",
        "where training fits, geometric complexity falls with the learning rate and with weight decay (rank corr. < 0)",
    ),
    "complexity_falls_with_depth": Entry(
        f"{_SYSTEMS}:complexity_falls_with_depth",
        "at initialisation, the deeper the network, the lower its geometric complexity",
    ),
    "networks_rely_on_the_simplest_feature": Entry(
        f"{_SYSTEMS}:networks_rely_on_the_simplest_feature",
        "AUC within .05 of a half without the simplest feature; without all the others above .98 (clean data: .99)",
    ),
    "a_noisy_simple_feature_costs_accuracy": Entry(
        f"{_SYSTEMS}:a_noisy_simple_feature_costs_accuracy",
        "accuracy stays below .96 where the linear feature is noisy, though the slabs alone decide every label",
    ),
    "random_labels_cost_accuracy_at_equal_margin": Entry(
        f"{_SYSTEMS}:random_labels_cost_accuracy_at_equal_margin",
        "with as large targets, training sets that are mostly random labels cost over .1 in test error, at every scale",
    ),
    "averages_beat_members": Entry(
        f"{_SYSTEMS}:averages_beat_members",
        "at every label scale, the networks' average errs no more than a network, within half a point",
    ),
    "deepest_networks_fit": Entry(f"{_SYSTEMS}:deepest_networks_fit", "the deepest networks fit their training sets"),
    "deepest_networks_do_not_fit": Entry(
        f"{_SYSTEMS}:deepest_networks_do_not_fit",
        "the deepest networks' training error stays above .3, whatever the optimizer and its learning rate",
    ),
    "mild_pruning_is_free_and_extreme_pruning_is_not": Entry(
        f"{_SYSTEMS}:mild_pruning_is_free_and_extreme_pruning_is_not",
        "training error at most .01 throughout; test error within .02 for keeping half; above .4 for keeping least",
    ),
    "a_second_layer_finds_the_ball": Entry(
        f"{_SYSTEMS}:a_second_layer_finds_the_ball",
        "in every dimension two hidden layers, the first random, have a lower test loss than one hidden layer",
    ),
    "descent_follows_the_regularised_flow": Entry(
        f"{_FUNCTIONS}:descent_follows_the_regularised_flow",
        "distances to the flow of the loss are of order 1 in the step, to the regularised one of order 2 (+-.15, +-.2)",
    ),
    "larger_steps_find_flatter_slopes": Entry(
        f"{_FUNCTIONS}:larger_steps_find_flatter_slopes",
        "at equal loss, the mean squared gradient falls as the step grows, for the mean over seeds",
    ),
    "kinks_stay_where_they_start": Entry(
        f"{_FUNCTIONS}:kinks_stay_where_they_start",
        "without offset, fewer wide than narrow networks have a kink that leaves; the median loss is within 1 % of 2",
    ),
    "an_offset_moves_kinks": Entry(
        f"{_FUNCTIONS}:an_offset_moves_kinks",
        "with the largest offset, the share of networks with a kink that leaves stays above .05 at every width",
    ),
    "better_guesses_are_better": Entry(
        f"{_FUNCTIONS}:better_guesses_are_better",
        "cosines rise from weights to activations, to masked ones, to guesses through the next layer's weights",
    ),
    "frequent_functions_are_simple": Entry(
        f"{_FUNCTIONS}:frequent_functions_are_simple",
        "the largest probability at each complexity falls with complexity: rank correlation below -.8",
    ),
    "prior_is_far_from_uniform": Entry(
        f"{_FUNCTIONS}:prior_is_far_from_uniform",
        "the most frequent function is seen in over 1 % of draws; ranks 10 to 1000 follow a power law (R^2 > .9)",
    ),
    "low_frequencies_come_first": Entry(
        f"{_FUNCTIONS}:low_frequencies_come_first",
        "rank correlation of frequency and first step of at least .9, whatever the amplitudes",
    ),
    "low_frequencies_survive_noise": Entry(
        f"{_FUNCTIONS}:low_frequencies_survive_noise",
        "after a move of the weights by 2, more is left of the lowest three frequencies than of the highest three",
    ),
    "sobolev_loss_turns_the_order": Entry(
        f"{_FUNCTIONS}:sobolev_loss_turns_the_order",
        "half times rise with the degree at the lowest order of the loss, and fall at the highest (rank correlations)",
    ),
    "rank_falls_faster_in_high_dimension": Entry(
        f"{_DESCENT}:rank_falls_faster_in_high_dimension",
        "smallest initial weights: the share of the initial stable rank falls with the dimension, at every step >= 10",
    ),
    "small_initialisation_lowers_rank": Entry(
        f"{_DESCENT}:small_initialisation_lowers_rank",
        "last step, every dimension: below a tenth from the smallest initial weights, above a half from the largest",
    ),
    "slope_lowers_rank": Entry(
        f"{_DESCENT}:slope_lowers_rank",
        "halves, every initialisation, last step: the larger the slope of the leaky relu, the lower the stable rank",
    ),
    "initialisation_lowers_rank": Entry(
        f"{_DESCENT}:initialisation_lowers_rank",
        "halves, every slope, last step: the smaller the initial weights, the lower the rank; the lowest below 1.1",
    ),
    "limit_is_the_convex_optimum": Entry(
        f"{_DESCENT}:limit_is_the_convex_optimum",
        "cosines of the first layer to its convex optimum, and of the predictor to the SVM, rise above .99",
    ),
    "margins_equalise": Entry(
        f"{_DESCENT}:margins_equalise",
        "smallest over largest margin rises from the first step on",
    ),
    "small_initialisation_keeps_rank_low": Entry(
        f"{_DESCENT}:small_initialisation_keeps_rank_low",
        "from smaller weights the stable rank is never above (by 1 %), and at the end half; test errors end within .03",
    ),
    "neurons_align_before_the_loss_moves": Entry(
        f"{_DESCENT}:neurons_align_before_the_loss_moves",
        "neurons point at their class's mean while the loss is above 90 % of its initial value; the rank ends below 2",
    ),
    "loss_falls_as_one_over_t": Entry(
        f"{_DESCENT}:loss_falls_as_one_over_t",
        "over the last half decade of steps, log loss falls with log step at a slope between -1 and -1.5",
    ),
    "overfitting_is_benign_in_high_dimension": Entry(
        f"{_DESCENT}:overfitting_is_benign_in_high_dimension",
        "all flipped labels are fitted; the test error is below .01 where d >= 7n, and falls with the dimension",
    ),
    "each_algorithm_wins_its_margin": Entry(
        f"{_DESCENT}:each_algorithm_wins_its_margin",
        "largest initial weights, last step: every margin is largest for the algorithm of steepest descent in its norm",
    ),
    "matched_soft_margins_never_fall": Entry(
        f"{_DESCENT}:matched_soft_margins_never_fall",
        "the soft margin in the algorithm's own norm, once positive, never falls by over 1e-4 of itself",
    ),
    "mismatched_soft_margins_may_fall": Entry(
        f"{_DESCENT}:mismatched_soft_margins_may_fall",
        "a negative control: in another algorithm's norm the soft margin falls somewhere",
    ),
    "smaller_initialisation_raises_margins": Entry(
        f"{_DESCENT}:smaller_initialisation_raises_margins",
        "matched margins, last step: the smaller the initial weights, the larger the margin",
    ),
    "eulers_identity_holds": Entry(
        f"{_DESCENT}:eulers_identity_holds",
        "<grad f, theta> = M f for homogeneous networks, to a relative 1e-10",
    ),
    "adam_turns_from_linf_to_l2": Entry(
        f"{_DESCENT}:adam_turns_from_linf_to_l2",
        "adam with momentum: the margin by the largest weight peaks before the end, that by the 2-norm rises on",
    ),
    "kkt_residuals_fall": Entry(
        f"{_DESCENT}:kkt_residuals_fall",
        "from the first fit to the end, stationarity, slackness and the distance to the gradients' cone fall",
    ),
    "directions_converge": Entry(
        f"{_DESCENT}:directions_converge",
        "once the summed loss is below 1, the cosine to the last direction rises; the last move is below the largest",
    ),
    "deep_linear_layers_align": Entry(
        f"{_DESCENT}:deep_linear_layers_align",
        "linear networks: second over first singular values fall, and adjacent layers' singular vectors align",
    ),
    "loss_based_steps_raise_margins": Entry(
        f"{_DESCENT}:loss_based_steps_raise_margins",
        "at the end, steps that follow the loss have reached a lower loss and a larger margin than constant ones",
    ),
    "less_signal_suffices_with_more_points": Entry(
        f"{_DESCENT}:less_signal_suffices_with_more_points",
        "without signal the test error is chance; the signal that halves it is smaller with more training points",
    ),
    "shampoo_raises_the_spectral_margin": Entry(
        f"{_DESCENT}:shampoo_raises_the_spectral_margin",
        "Shampoo ends with a larger margin by the spectral norm than gradient descent and sign descent",
    ),
    "larger_margins_are_further_from_the_boundary": Entry(
        f"{_DESCENT}:larger_margins_are_further_from_the_boundary",
        "after the fit inputs get further from the decision boundary, most where margins grow most; test errors move"
        " by less than .03",
    ),
    "norms_grow_logarithmically": Entry(
        f"{_DESCENT}:norms_grow_logarithmically",
        "constant steps, once all is fitted: |theta|^2/log(step) stays within a factor 2, for every batch size",
    ),
    "modified_margins_never_fall": Entry(
        f"{_DESCENT}:modified_margins_never_fall",
        "once positive, the modified margin does not fall by more than a relative 1e-4 a checkpoint",
    ),
    "networks_become_homogeneous": Entry(
        f"{_DESCENT}:networks_become_homogeneous",
        "the relative defect in Euler's identity falls to below a third from the first fit on (or is rounding)",
    ),
    "free_neurons_learn_parities": Entry(
        f"{_DESCENT}:free_neurons_learn_parities",
        "stopped at the fit, networks whose neurons turn err less than networks of fixed neurons, at every dimension",
    ),
    "tangent_margin_falls_as_one_over_d": Entry(
        f"{_DESCENT}:tangent_margin_falls_as_one_over_d",
        "at the start, the slope of the tangent kernel's log margin against log d is -1, within a half",
    ),
    "adam_reaches_the_linf_margin": Entry(
        f"{_DESCENT}:adam_reaches_the_linf_margin",
        "linear model: with the slowest decay of steps, Adam has over 95 % of the best margin by the largest weight",
    ),
    "gradient_descent_reaches_the_l2_margin": Entry(
        f"{_DESCENT}:gradient_descent_reaches_the_l2_margin",
        "linear model: gradient descent has over 98 % of the best margin by the 2-norm, not by the largest weight",
    ),
    "both_layers_beat_the_output_layer": Entry(
        f"{_DESCENT}:both_layers_beat_the_output_layer",
        "at n >= 64, training both layers errs less than training the output layer alone",
    ),
    "wide_margin_reaches_a_plateau": Entry(
        f"{_DESCENT}:wide_margin_reaches_a_plateau",
        "the margin by the variation norm rises with the width, and by less than a quarter over its last doubling",
    ),
    "neurons_keep_to_few_directions": Entry(
        f"{_DESCENT}:neurons_keep_to_few_directions",
        "xOR clusters: neurons stay within .02 rad of their axes, and their norms, 1000 apart, end within a tenth",
    ),
    "error_bars_cover": Entry(
        f"{_CHECKS}:error_bars_cover",
        "the mixture's estimates lie within 3 of its standard errors of the truth on at least 98 % of random problems",
    ),
    "order_of_depths_turns": Entry(
        f"{_CHECKS}:order_of_depths_turns",
        "with true labels at the largest n the published estimator puts the deeper network lower, the truth higher",
    ),
    "bayes_is_interpolation": Entry(
        f"{_CHECKS}:bayes_is_interpolation",
        "the spherised posterior's Bayes error is that of kernel interpolation, to 0.1 points (or one test point)",
    ),
    "interpolation_halves_gibbs": Entry(
        f"{_CHECKS}:interpolation_halves_gibbs",
        "at n >= 100 kernel interpolation errs at most half as often as a draw of the spherised posterior",
    ),
    "vote_beats_member": Entry(
        f"{_CHECKS}:vote_beats_member",
        "networks trained to spherised targets err less by majority vote than one by one, at every n",
    ),
    "large_margin_acts_as_vote": Entry(
        f"{_CHECKS}:large_margin_acts_as_vote",
        "one network of large, equal margins errs less than one trained to spherised targets, at every n",
    ),
    "networks_fit": Entry(f"{_CHECKS}:networks_fit", "every trained network fits its training set"),
    "error_falls_with_label_scale": Entry(
        f"{_CHECKS}:error_falls_with_label_scale", "networks' test error falls as the label scale rises"
    ),
    "small_labels_hurt": Entry(
        f"{_CHECKS}:small_labels_hurt", "at every n, networks trained to small labels err more than to large ones"
    ),
    "networks_cross_orthant_average": Entry(
        f"{_CHECKS}:networks_cross_orthant_average",
        "networks cross the average over the orthant between label scales 0.1 and 1",
    ),
    "networks_beat_nngp_at_large_scale": Entry(
        f"{_CHECKS}:networks_beat_nngp_at_large_scale",
        "at label scales of 10 and more, networks beat the NNGP conditioned on the same targets",
    ),
    "orthant_averages_agree": Entry(
        f"{_CHECKS}:orthant_averages_agree",
        "random networks that fit err as the NNGP's average over the orthant, within 3 standard errors",
    ),
    "importance_has_not_converged": Entry(
        f"{_CHECKS}:importance_has_not_converged",
        "with true labels at n >= 100 the published estimator is too high, on a handful of effective samples",
    ),
    "bound_above_truth": Entry(f"{_CHECKS}:bound_above_truth", "the closed bound lies above the true complexity"),
    "random_labels_at_chance": Entry(
        f"{_CHECKS}:random_labels_at_chance", "on random labels networks err half the time, within 4 standard errors"
    ),
    "easier_labels_have_lower_bounds": Entry(
        f"{_CHECKS}:easier_labels_have_lower_bounds", "at every n the bounds are ordered binary < decimal < random"
    ),
}

_PUBLISHED = "implicitbias.studies.published"
PUBLISHED: dict[str, Entry] = {
    "peleg_hein_2024": Entry(
        f"{_PUBLISHED}:peleg_hein_2024", "accuracy of random and of trained networks that fit (MNIST, 0 against 7)"
    ),
    "peleg_hein_2024_lenet": Entry(
        f"{_PUBLISHED}:peleg_hein_2024_lenet", "accuracy of trained LeNets that fit (MNIST, 0 against 7)"
    ),
    "kou_chen_gu_2023": Entry(
        f"{_PUBLISHED}:kou_chen_gu_2023", "stable rank of the positive half (Kou, Chen & Gu 2023), another seed"
    ),
    "steepest_descent_margins": Entry(
        f"{_PUBLISHED}:steepest_descent_margins", "margins of steepest descent on the small teacher, another seed"
    ),
    "zhang_zou_cao_2024": Entry(
        f"{_PUBLISHED}:zhang_zou_cao_2024", "margins of Adam and gradient descent in a linear model, longer run"
    ),
    "chizat_bach_2020": Entry(
        f"{_PUBLISHED}:chizat_bach_2020", "test errors of wide networks on the disc grid (Chizat & Bach 2020)"
    ),
    "bernstein_yue_2021_bayes_point": Entry(
        f"{_PUBLISHED}:bernstein_yue_2021_bayes_point",
        "kernel interpolation as a Bayes point machine (MNIST, decimal, depth 7, width 1000)",
    ),
    "bernstein_yue_2021_section4": Entry(
        f"{_PUBLISHED}:bernstein_yue_2021_section4", "the ends of the curves of section 4 (MNIST, width 5000)"
    ),
    "bernstein_yue_2021_section5": Entry(
        f"{_PUBLISHED}:bernstein_yue_2021_section5", "the label ray of section 5 (MNIST, width 10,000)"
    ),
}

# ---------------------------------------------------------------------------------------- figures
FIGURES: dict[str, Figure] = {
    "lines": Figure(
        "implicitbias.figures.lines:lines",
        "the study's quantities against one of its axes",
        alt="Lines of measured quantities, one panel each, against an axis of the study",
        options=("quantities", "x", "hue", "style", "log"),
    ),
    "scatter": Figure(
        "implicitbias.figures.scatter:scatter",
        "the last of the study's quantities against each of the others, a dot a network",
        alt="Dots of one measured quantity against others, one panel each",
        options=("quantities", "hue", "style", "log"),
        quantities=2,
    ),
    "regions": Figure(
        "implicitbias.figures.regions:regions",
        "where in the plane of the first two coordinates the networks say +1, with the training points",
        alt="Decision regions in a plane, a row a seed, a column a way to train the output layer",
        needs=("plane_output", "plane_point"),
        axes=("seed", "output"),
    ),
    "all_runs": Figure(
        "implicitbias.figures.all_runs:all_runs",
        "which metrics predict the test error of all trained networks (rank correlations, 95 % intervals), and their"
        " test errors against the infinitely wide network's average over the orthant",
        alt="Rank correlations of metrics with the test error; test errors against the architecture's average error",
        needs=("within", "across"),
    ),
    "stable_rank": Figure(
        "implicitbias.figures.low_rank:stable_rank",
        "stable rank of the first layer, as a share of its initial value, while gradient descent runs",
        alt="Stable rank against the step, by dimension and by the size of the initial weights",
        needs=("stable_rank",),
        axes=("features", "init_scale"),
    ),
    "calibration": Figure(
        "implicitbias.figures.orthant:calibration",
        "are the error bars honest: actual against stated error on random problems with known answers, and coverage",
        alt="Actual against stated error, and coverage of the error bars, by estimator",
        needs=EXPERIMENTS["calibration"].variables,
        axes=("estimator",),
    ),
    "methods": Figure(
        "implicitbias.figures.orthant:methods",
        "every estimator of the complexity minus the default one, with its standard error, against n",
        alt="Differences between estimators of the complexity against the number of training points",
        needs=("complexity",),
        axes=("train_size", "labels", "estimator"),
    ),
    "conclusions": Figure(
        "implicitbias.figures.orthant:conclusions",
        "PAC-Bayes error of shallow and deep networks: by the published estimator, and by the true probability",
        alt="PAC-Bayes errors of two depths by the published estimator and by the true probability",
        needs=("pac_bayes_bound",),
        axes=("train_size", "labels", "depth", "estimator"),
    ),
    "bayes_point": Figure(
        "implicitbias.figures.bayes_point:bayes_point",
        "a draw, the majority and the centre: errors of the infinitely wide network and of trained networks against n",
        alt="Gibbs and Bayes errors, kernel interpolation and trained networks against the number of training points",
        needs=("spherised_gibbs_error", "kernel_interpolation_error", "test_error", "vote_error"),
        axes=("train_size", "targets", "label_scale"),
    ),
    "bounds": Figure(
        "implicitbias.figures.generalisation:bounds",
        "test error of trained networks, the average error of the architecture, and PAC-Bayes bounds against n",
        alt="Errors and bounds against the number of training points",
        needs=("test_error", "pac_bayes_bound", "gibbs_error"),
        axes=("train_size", "estimator"),
    ),
    "data_complexity": Figure(
        "implicitbias.figures.generalisation:data_complexity",
        "bounds and test errors of easy, hard and random labels against n",
        alt="Errors and bounds for three kinds of labels",
        needs=("test_error", "pac_bayes_bound"),
        axes=("train_size", "labels"),
    ),
    "depth": Figure(
        "implicitbias.figures.generalisation:depth",
        "bounds and test errors of shallow and deep networks against n",
        alt="Errors and bounds for two depths",
        needs=("test_error", "pac_bayes_bound"),
        axes=("train_size", "depth"),
    ),
    "label_scale": Figure(
        "implicitbias.figures.generalisation:label_scale",
        "test error of networks trained to large and small labels against n, with the NNGP average",
        alt="Test error for two label scales",
        needs=("test_error", "gibbs_error"),
        axes=("train_size", "label_scale"),
    ),
    "label_ray": Figure(
        "implicitbias.figures.label_ray:label_ray",
        "test error along the ray of label scales: networks, conditioned NNGP, averages over the orthant",
        alt="Test error against the label scale",
        needs=("test_error", "ray_error", "gibbs_error", "sampled_test_error"),
        axes=("label_scale",),
    ),
    "estimator_truth": Figure(
        "implicitbias.figures.generalisation:estimator_truth",
        "what the published estimator says against the true orthant probability, with effective sample sizes",
        alt="Published estimator against the true complexity, and its effective sample size",
        needs=("complexity", "effective_sample_size"),
        axes=("train_size", "estimator"),
    ),
}
