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
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """A number that a config may set: its default, its allowed range, and what it means.

    `minimum` and `maximum` are inclusive; with `exclusive_minimum` and `exclusive_maximum` they are not.
    """

    default: float | int
    summary: str
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False


@dataclass(frozen=True)
class Entry:
    """A named piece of the laboratory: where its code is and what it is."""

    function: str
    summary: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


@dataclass(frozen=True)
class Activation(Entry):
    """A hidden activation.

    `dual` says whether `networks.kernels` has its infinite-width kernel in closed form, `homogeneous` is its degree of
    homogeneity, None where it has none.
    """

    dual: bool = False
    homogeneous: int | None = 1


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
    """

    long_name: str = ""
    units: str = "1"
    source: str = ""
    dims: tuple[str, ...] = ()
    over_networks: bool = False


@dataclass(frozen=True)
class Figure(Entry):
    """A figure of a study: `needs` lists the dataset variables and `axes` the dimensions that it cannot do without."""

    alt: str = ""
    needs: tuple[str, ...] = ()
    axes: tuple[str, ...] = ()


def resolve(entry: Entry) -> Callable[..., Any]:
    """The function that an entry points to."""
    module, name = entry.function.split(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function


# --------------------------------------------------------------------------------------------- data
def _synthetic(name: str, summary: str, *, features: int = 0, **parameters: Parameter) -> Source:
    """A synthetic source; one whose number of features is not its own has the parameter `features`."""
    free = {} if features else {"features": Parameter(100, "dimension d of the inputs", 1)}
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
        {"slope": Parameter(0.1, "slope of the negative side", 0, 1)}, homogeneous=None,
    ),
    "squared_relu": Activation("implicitbias.networks.activations:squared_relu", "max(z, 0)^2", homogeneous=2),
    "gelu": Activation("implicitbias.networks.activations:gelu", "z Phi(z)", homogeneous=None),
    "silu": Activation("implicitbias.networks.activations:silu", "z/(1 + e^-z)", homogeneous=None),
    "tanh": Activation("implicitbias.networks.activations:tanh", "tanh(z)", homogeneous=None),
    "erf": Activation("implicitbias.networks.activations:erf", "erf(z)", dual=True, homogeneous=None),
    "linear": Activation("implicitbias.networks.activations:linear", "z", dual=True),
}  # fmt: skip

_INITIALISATION = "implicitbias.networks.initialisation"
INITIALISATIONS: dict[str, Entry] = {
    "fan_in": Entry(f"{_INITIALISATION}:fan_in", "N(0, 1/fan_in)"),
    "glorot": Entry(f"{_INITIALISATION}:glorot", "N(0, 2/(fan_in + fan_out))"),
    "normal": Entry(f"{_INITIALISATION}:normal", "N(0, 1)"),
    "uniform": Entry(f"{_INITIALISATION}:uniform", "U[-1/fan_in, 1/fan_in]"),
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

OPTIMIZERS: dict[str, Entry] = {
    "nero": Entry(
        "implicitbias.optimizers.nero:nero",
        "Nero (Liu, Bernstein, Meister & Yue 2021): rows kept at mean 0 and norm 1, per-neuron normalised steps",
        {"beta": Parameter(0.999, "decay of the per-neuron squared gradient norm", 0, 1, exclusive_maximum=True)},
    ),
    "sgd": Entry("implicitbias.optimizers.sgd:sgd", "(stochastic) gradient descent; full batch by batch_size: full"),
    "momentum": Entry(
        "implicitbias.optimizers.momentum:momentum",
        "heavy-ball momentum, v <- mu v + g, w <- w - lr v (torch.optim.SGD)",
        {"momentum": Parameter(0.9, "heavy-ball coefficient", 0, 1, exclusive_maximum=True)},
    ),
    **{
        f"steepest_{norm}": Entry(
            f"implicitbias.optimizers.steepest:{norm}",
            f"steepest descent in {what} (Tsilivis, Vardi & Kempe 2025)",
            {
                "power": Parameter(
                    1, "power of the gradient's dual norm in the step: 1 raw, 0 unit steps, -1 log domain", -1, 1
                )
            },
        )
        for norm, what in (
            ("l2", "the 2-norm: gradient descent"),
            ("linf", "the largest entry: sign descent"),
            ("l1", "the sum of entries: coordinate descent"),
            ("spectral", "the largest spectral norm of a layer: Muon and Shampoo without memory"),
        )
    },
    "adam": Entry(
        "implicitbias.optimizers.adam:adam",
        "Adam (Kingma & Ba 2015), bias-corrected",
        {
            "beta1": Parameter(0.9, "decay of the first moment", 0, 1, exclusive_maximum=True),
            "beta2": Parameter(0.999, "decay of the second moment", 0, 1, exclusive_maximum=True),
            "epsilon": Parameter(1e-8, "added to the root of the second moment", 0, exclusive_minimum=True),
        },
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
    "normalized_margin": Metric(
        "implicitbias.measurement.margins:normalized_margin",
        "min_i y_i f(x_i) over |x_i| prod_l |W_l|_F/sqrt(min(d_l, d_l-1))",
        long_name="normalised margin", source="Farhang et al. 2022, section 2",
    ),
    "output_scale": Metric(
        "implicitbias.measurement.outputs:output_scale", "mean |f(x)| over the test points",
        long_name="mean absolute output", source=f"{_BY}, section 5",
    ),
    "stable_rank": Metric(
        "implicitbias.measurement.rank:stable_rank", "|W|_F^2/|W|_2^2 of the first layer",
        long_name="stable rank of the first layer", source="Frei et al. 2023, section 4",
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

CALIBRATION_VARIABLES = ("complexity", "complexity_stderr", "exact_complexity", "points", "score")
"""What `implicitbias.nngp.calibration` adds to a study."""

_CHECKS = "implicitbias.studies.checks"
CHECKS: dict[str, Entry] = {
    "rank_falls_faster_in_high_dimension": Entry(
        f"{_CHECKS}:rank_falls_faster_in_high_dimension",
        "from small initial weights: the higher the dimension, the lower the stable rank at every later step",
    ),
    "small_initialisation_lowers_rank": Entry(
        f"{_CHECKS}:small_initialisation_lowers_rank",
        "the smallest initial weights end below a tenth of their stable rank, the largest keep more than half",
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
        needs=CALIBRATION_VARIABLES,
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
