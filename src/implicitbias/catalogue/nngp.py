"""Estimators of the complexity, and what infinite width adds to a study."""

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
        "spherised_gibbs_error",
        "spherised_gibbs_error_stderr",
        "spherised_bayes_error",
        "spherised_bayes_error_stderr",
        "test_points",
    ),
    "label_scale": ("ray_error", "ray_error_std", "prior_std"),
    "lazy": ("lazy_error", "lazy_error_std"),
}
"""What `implicitbias.nngp.evaluate` adds to a study, by the config key that asks for it."""

BY_POINT = ("gibbs_error", "bayes_error", "ray_error", "lazy_error")
"""Of which of these `by_point: true` keeps the values at every test point, as `<name>_by_point`."""

SAMPLED = ("mixture", "tilting", "genz", "subset", "importance")
"""Estimators that draw samples and state a standard error."""
