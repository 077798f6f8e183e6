"""Estimators of the complexity, and what infinite width adds to a study."""

from collections.abc import Set

from implicitbias.catalogue.entries import Entry

ESTIMATORS: dict[str, Entry] = {
    "bound": Entry("implicitbias.nngp.bounds:bound", "closed upper bound C1 on the complexity (Bernstein & Yue 2021)"),
    "importance": Entry(
        "implicitbias.nngp.importance:importance",
        "the authors' Monte Carlo estimator (unbiased for P, so -ln P errs upwards; has not converged at n >= 100)",
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

NNGP_VARIABLES: dict[str, tuple[str, ...]] = {
    "estimators": (
        "complexity",
        "complexity_stderr",
        "complexity_lower_bound",
        "complexity_upper_bound",
        "effective_sample_size",
        "pac_bayes_bound",
    ),
    "posterior": (
        "gibbs_error",
        "gibbs_error_stderr",
        "bayes_error",
        "bayes_error_stderr",
        "kernel_interpolation_error",
        "test_points",
    ),
    "spherised": (
        "spherised_gibbs_error",
        "spherised_gibbs_error_stderr",
        "spherised_bayes_error",
        "spherised_bayes_error_stderr",
    ),
    "label_scale": ("ray_error", "ray_error_std", "prior_std"),
    "lazy": ("lazy_error", "lazy_error_std"),
    "classes": ("chance_error",),
}
"""What `implicitbias.nngp.evaluate` adds to a study, by the config key that asks for it.

The spherised posterior goes with the posterior, for labels +-1 only: it is binary by nature, its targets being a label
times |N(0, 1)|. The error of a random class, `chance_error`, is there where labels are classes, of which decompositions
start from it.
"""

BY_POINT = ("gibbs_error", "bayes_error", "ray_error", "lazy_error")
"""Of which of these `by_point: true` keeps the values at every test point, as `<name>_by_point`."""

SAMPLED = ("mixture", "tilting", "genz", "subset", "importance")
"""Estimators that draw samples and state a standard error."""

DENSE = 2000
"""Of several classes, the number n (C - 1) of differences between outputs up to which mixture takes their orthant."""

LARGEST_ORTHANT = 8 * 10**9
"""Bytes that an orthant may ask for; one of n (C - 1) differences between outputs soon asks for more."""


def orthant_bytes(order: int, estimator: str) -> int:
    """Bytes of the matrices `(order, order)` that an estimator holds at once, by its peak at an order of 2000."""
    return 8 * (5 if estimator == "bound" else 20) * order**2


NNGP_DIMS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(NNGP_VARIABLES["estimators"], ("estimator",)),
    **dict.fromkeys(("ray_error", "ray_error_std", *NNGP_VARIABLES["lazy"]), ("label_scale",)),
}
"""Dimensions of these variables besides the seed, others have none; by point `test_point` is added."""


def nngp_variables(*, posterior: bool, label_scale: bool, lazy: bool, by_point: bool, several: Set[bool]) -> set[str]:
    """Names of the variables that the stage adds to a study.

    Args:
        posterior: whether the posterior is asked for.
        label_scale: whether the label ray is.
        lazy: whether the lazy network is.
        by_point: whether errors at test points are kept.
        several: whether labels are classes, of every task of the study; what one task lacks, the study does not have.
    """
    asked = {
        "estimators": True, "posterior": posterior, "spherised": posterior and True not in several,
        "label_scale": label_scale, "lazy": lazy, "classes": False not in several,
    }  # fmt: skip
    names = {name for key, wanted in asked.items() if wanted for name in NNGP_VARIABLES[key]}
    return names | {f"{name}_by_point" for name in BY_POINT if by_point and name in names}
