"""The variables of the infinite-width stage."""

from implicitbias.nngp.cone_posterior import ClassErrors
from implicitbias.nngp.posterior import Errors

SPREAD_POINTS = 2000
"""Test points of the spread along the ray, a joint draw that costs the cube of their number."""

_PAPER = "Bernstein & Yue 2021"
_SECOND = f"{_PAPER} (second version), section 5"
_LAZY = "Jacot, Gabriel & Hongler 2018; Lee et al. 2019, equations 13 to 16"
VARIABLES: dict[str, tuple[tuple[str, ...], str, str, str]] = {
    "complexity": (("estimator",), "complexity -ln P", "nat", f"{_PAPER}, section 3"),
    "complexity_lower_bound": (
        ("estimator",), "lower bound on the complexity by minimax tilting (0 without)", "nat", "Botev 2017",
    ),
    "complexity_upper_bound": (
        ("estimator",), "upper bound on the complexity (closed, or Jensen's, estimated from the samples)", "nat",
        f"{_PAPER}, theorem 1; Jensen's inequality",
    ),
    "effective_sample_size": (
        ("estimator",), "effective sample size (none without weighted samples)", "1", "Kong 1992",
    ),
    "pac_bayes_bound": (
        ("estimator",), "PAC-Bayes bound on the Gibbs error (estimator bound), or an estimate of it", "1",
        f"{_PAPER}, theorem 2",
    ),
    "gibbs_error": ((), "Gibbs error, posterior on the orthant", "1", f"{_PAPER}, section 5"),
    "bayes_error": ((), "Bayes error, posterior on the orthant", "1", f"{_PAPER}, section 5"),
    "spherised_gibbs_error": ((), "Gibbs error, spherised posterior", "1", _SECOND),
    "spherised_bayes_error": ((), "Bayes error, spherised posterior", "1", _SECOND),
    "kernel_interpolation_error": ((), "error of kernel interpolation", "1", _SECOND),
    "test_points": ((), "number of test points", "1", f"{_PAPER}, section 5"),
    "ray_error": (("label_scale",), "Gibbs error conditioned on f(X) = alpha Y", "1", f"{_PAPER}, section 5"),
    "ray_error_std": (
        ("label_scale",),
        f"standard deviation of a drawn function's error at alpha, on at most {SPREAD_POINTS} test points", "1",
        f"{_PAPER}, section 5",
    ),
    "prior_std": ((), "prior standard deviation of an output, root mean square over test points", "1", _PAPER),
    "lazy_error": (
        ("label_scale",), "error of the infinitely wide network trained by gradient descent to f(X) = alpha Y", "1",
        _LAZY,
    ),
    "lazy_error_std": (
        ("label_scale",),
        "standard deviation over initial weights of the error of the infinitely wide network trained to alpha Y,"
        f" on at most {SPREAD_POINTS} test points", "1", _LAZY,
    ),
    "gibbs_error_by_point": (("test_point",), "Gibbs error at a test point", "1", f"{_PAPER}, section 5"),
    "bayes_error_by_point": (("test_point",), "Bayes error at a test point", "1", f"{_PAPER}, section 5"),
    "ray_error_by_point": (
        ("label_scale", "test_point"), "Gibbs error at a test point, conditioned on f(X) = alpha Y", "1",
        f"{_PAPER}, section 5",
    ),
    "lazy_error_by_point": (
        ("label_scale", "test_point"),
        "error at a test point of the infinitely wide network trained by gradient descent to f(X) = alpha Y", "1",
        _LAZY,
    ),
    "chance_error": ((), "error of a random class, where labels are classes", "1", "definition"),
    "class_probability": (
        ("test_point", "class"), "posterior probability of a class at a test point", "1", f"{_PAPER}, section 5",
    ),
    "test_index": (("test_point",), "index of the test point in its source", "1", f"{_PAPER}, section 4"),
}  # fmt: skip
"""Every variable: dimensions besides the seed, what it is, units, source.

Where labels are classes, the targets Y of a label scale alpha are 1 at a point's own class and 0 at the others, less
1/C, the orthant is the cone on which every point's own class has the largest output, and nothing is spherised.
"""


def averages(errors: Errors | ClassErrors, kind: str = "") -> dict[str, float]:
    """Gibbs and Bayes error with their standard errors, as variables."""
    return {
        f"{kind}gibbs_error": errors.gibbs, f"{kind}gibbs_error_stderr": errors.gibbs_stderr,
        f"{kind}bayes_error": errors.bayes, f"{kind}bayes_error_stderr": errors.bayes_stderr,
    }  # fmt: skip
