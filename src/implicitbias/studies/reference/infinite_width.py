"""Bernstein & Yue's figures, and the true probabilities that this project sets beside them; all on MNIST."""

from typing import Any

from implicitbias.studies.published import Row

_BEFORE = "computed once beforehand by other code (MNIST, seed 0)"


def true_complexity() -> list[Row]:
    """Complexity -ln P of MNIST's labels in nats (seed 0), computed by this project before, and one point by direct
    simulation of the prior.
    """
    source = f"{_BEFORE}; standard error at most .005"
    sizes = (5, 50, 100, 200, 500, 1000)
    nats = {
        (2, "decimal"): (3.1286, 29.996, 49.326, 83.820, 164.79, 252.99),
        (2, "binary"): (2.5354, 9.814, 13.137, 15.776, 20.547, 26.315),
        (2, "random"): (4.4388, 38.931, 81.250, 154.950, 414.980, 871.11),
        (7, "decimal"): (3.6456, 31.686, 52.678, 89.606, 170.50, 263.44),
        (7, "binary"): (3.2904, 13.497, 18.229, 22.624, 30.143, 38.405),
        (7, "random"): (4.9347, 38.065, 76.776, 146.929, 378.551, 780.740),
    }
    simulated: dict[str, Any] = {"labels": "binary", "depth": 2, "train_size": 50, "seed": 0}
    return [
        Row("complexity -ln P", "complexity", {"labels": labels, "depth": depth, "train_size": n, "seed": 0,
            "estimator": "mixture"}, value, source, 0.005, own=True)
        for (depth, labels), values in nats.items()
        for n, value in zip(sizes, values, strict=True)
    ] + [
        Row("complexity, 6642 of 6e7 random functions", "complexity", {**simulated, "estimator": "mixture"}, 9.802,
            "computed once beforehand by direct simulation of the prior", 0.012, own=True),
        Row("complexity, published estimator", "complexity", {**simulated, "estimator": "importance"}, 17.2, _BEFORE,
            own=True),
    ]  # fmt: skip


def true_bounds() -> list[Row]:
    """PAC-Bayes errors at n = 500 on MNIST, by the true probability and by the published estimator (mean of seeds 0 to
    2), computed by this project before.
    """
    source = f"{_BEFORE.replace('seed 0', 'mean of seeds 0 to 2')}, on the scale of Bernstein & Yue 2021"
    errors = {
        ("decimal", 2): (0.307, 0.427), ("binary", 2): (0.063, 0.407),
        ("decimal", 7): (0.312, 0.388), ("binary", 7): (0.080, 0.336), ("random", 7): (0.540, 0.545),
    }  # fmt: skip
    words = {"mixture": "true probability", "importance": "published estimator"}
    return [
        Row(f"PAC-Bayes error, {words[name]}", "pac_bayes_bound",
            {"labels": labels, "depth": depth, "train_size": 500, "estimator": name}, value, source, own=True)
        for (labels, depth), pair in errors.items()
        for name, value in zip(words, pair, strict=True)
    ]  # fmt: skip


def orthant_posterior() -> list[Row]:
    """Gibbs and Bayes errors of the posterior on the orthant (MNIST, whole test set, seed 0), computed by this project
    before.
    """
    errors = {
        ("decimal", 7, 100): (0.302, 0.149), ("decimal", 7, 500): (0.181, 0.085), ("decimal", 2, 500): (0.161, 0.097),
        ("binary", 7, 500): (0.0152, 0.0010), ("binary", 7, 5): (0.346, 0.416), ("decimal", 2, 5): (0.4587, 0.4923),
    }  # fmt: skip
    return [
        Row(what, variable, {"labels": labels, "depth": depth, "train_size": n, "seed": 0}, value, _BEFORE, own=True)
        for (labels, depth, n), pair in errors.items()
        for (what, variable), value in zip(
            (("average over the orthant (Gibbs)", "gibbs_error"), ("its majority (Bayes)", "bayes_error")), pair,
            strict=True,
        )
    ] + [
        Row("average over the orthant, of all depths and sizes", "gibbs_error", {"labels": "random", "seed": 0}, 0.498,
            _BEFORE, own=True),
    ]  # fmt: skip


def bernstein_yue_2021_section4() -> list[Row]:
    """Ends of the curves of Bernstein & Yue (2021), section 4 (MNIST, width 5000, mean of three seeds)."""
    source = "Bernstein & Yue 2021, section 4 (MNIST, width 5000, mean of 3 seeds)"
    ends = {
        ("decimal", 7): ((0.276, 0.070), (0.434, 0.122), (0.559, 0.388), (0.583, 0.433)),
        ("decimal", 2): ((0.305, 0.085), (0.493, 0.390), (0.543, 0.427), (0.600, 0.488)),
        ("binary", 7): ((0.012, 0.001), (0.336, 0.009), (0.413, 0.336), (0.507, 0.404)),
        ("random", 7): ((0.50, 0.50), (0.50, 0.50), (0.623, 0.545), (0.645, 0.577)),
    }
    return [
        _of_section4(column, {"labels": labels, "depth": depth, "train_size": size}, value, source)
        for (labels, depth), columns in ends.items()
        for column, pair in enumerate(columns)
        for size, value in zip((50, 500), pair, strict=True)
    ]


def bernstein_yue_2021_section4_seed0() -> list[Row]:
    """Points along the curves of Bernstein & Yue 2021, section 4, from the authors' log (MNIST, width 5000, seed 0)."""
    source = "the log of Bernstein & Yue 2021, section 4 (MNIST, width 5000, seed 0; the estimator's mean of 3 runs)"
    sizes = (100, 200, 300, 400)
    curves = {
        ("decimal", 2): (
            (0.1906, 0.1412, 0.113, 0.0945), (0.4067, 0.384, 0.3862, 0.3981),
            (0.4714, 0.4439, 0.4264, 0.4297), (0.543133, 0.512392, 0.490943, 0.490946),
        ),
        ("decimal", 7): (
            (0.1978, 0.1208, 0.0886, 0.0741), (0.4079, 0.33, 0.2408, 0.1644),
            (0.4733, 0.4218, 0.3965, 0.3906), (0.513271, 0.469393, 0.444959, 0.438707),
        ),
        ("binary", 2): (
            (0.014184, 0.007092, 0.007092, 0.005674), (0.380615, 0.33948, 0.314421, 0.327187),
            (0.3764, 0.3829, 0.3926, 0.3957), (0.49174, 0.496439, 0.494853, 0.492864),
        ),
        ("binary", 7): (
            (0.002364, 0.000473, 0.000473, 0.000473), (0.212766, 0.09078, 0.038298, 0.012766),
            (0.3497, 0.3347, 0.3354, 0.3342), (0.446516, 0.422135, 0.410842, 0.405429),
        ),
        ("random", 2): (
            (0.4956, 0.5026, 0.4937, 0.5072), (0.4968, 0.5039, 0.4973, 0.5025),
            (0.6056, 0.5764, 0.5865, 0.5933), (0.684481, 0.646944, 0.651467, 0.656423),
        ),
        ("random", 7): (
            (0.4999, 0.4982, 0.4923, 0.5054), (0.4981, 0.497, 0.5001, 0.498),
            (0.5839, 0.5489, 0.5447, 0.5447), (0.61944, 0.581858, 0.576947, 0.575668),
        ),
    }  # fmt: skip
    return [
        _of_section4(column, {"labels": labels, "depth": depth, "train_size": size, "seed": 0}, value, source)
        for (labels, depth), columns in curves.items()
        for column, values in enumerate(columns)
        for size, value in zip(sizes, values, strict=True)
    ]


def _of_section4(column: int, point: dict[str, Any], value: float, source: str) -> Row:
    """Columns: networks at label scales 1 and 0.1, the published estimator, the closed bound."""
    if column < 2:
        scale = (1.0, 0.1)[column]
        point = {**point, "label_scale": scale}
        return Row("test error of trained networks", "test_error", point, value, source, width=5000)
    name, what = (("importance", "published estimator"), ("bound", "closed bound"))[column - 2]
    return Row(f"PAC-Bayes error, {what}", "pac_bayes_bound", {**point, "estimator": name}, value, source)


def bernstein_yue_2021_section5() -> list[Row]:
    """Label ray of Bernstein & Yue (2021), section 5 (binary MNIST, 5 training and 50 test points, depth 7, width
    10,000, seed 0).
    """
    source = "Bernstein & Yue 2021, section 5 (MNIST, width 10,000, 100 networks)"
    scales = (0.01, 0.1, 1.0, 10.0, 100.0)
    networks = ((0.503, 0.117), (0.388, 0.096), (0.178, 0.073), (0.042, 0.024), (0.021, 0.004))
    nngp = ((0.505, 0.118), (0.466, 0.126), (0.211, 0.085), (0.165, 0.027), (0.160, 0.003))
    trained, free = ({"seed": 0, "constraint": constraint} for constraint in ("mean_free_unit", "unit"))
    rows = [
        Row(what, variable, {"label_scale": scale, **where}, value, source, spread)
        for what, variable, where, values in (
            ("test error of trained networks", "test_error", trained, networks),
            ("NNGP of free rows, conditioned at the label scale", "ray_error", free, nngp),
        )
        for scale, (value, spread) in zip(scales, values, strict=True)
    ]
    rows.append(Row("NNGP average over the orthant", "gibbs_error", free, 0.337, source, 0.0024))
    rows.append(Row("the same, true", "gibbs_error", free, 0.334809, _BEFORE, 2e-6, own=True))
    rows.append(Row("rejection-sampled networks", "sampled_test_error", free, 0.325, source, 0.103))
    rows.append(Row("mean |f| of rejection-sampled networks", "sampled_output_scale", free, 0.516, source, 0.214))
    rows.append(Row("fraction of random networks accepted", "sampled_acceptance", free, 0.082, source))
    kernels = {"mean_free_unit": (0.494, 0.444, 0.180, 0.034, 0.020), "unit": (0.495, 0.446, 0.214, 0.166, 0.160)}
    rows += [
        Row("NNGP conditioned at the label scale, exact", "ray_error",
            {"label_scale": scale, "seed": 0, "constraint": constraint}, value, _BEFORE, own=True)
        for constraint, values in kernels.items()
        for scale, value in zip(scales, values, strict=True)
    ]  # fmt: skip
    return rows


def bernstein_yue_2021_bayes_point() -> list[Row]:
    """Kernel interpolation as a Bayes point machine: per cent errors of the second version of Bernstein & Yue (2021)
    (decimal MNIST, depth 7, width 1000).
    """
    source = "Bernstein & Yue 2021, second version, section 5 (MNIST, depth 7, width 1000)"
    columns: list[tuple[str, str, dict[str, Any]]] = [
        ("PAC-Bayes error, closed bound (Gibbs bound)", "pac_bayes_bound", {"estimator": "bound"}),
        ("draw of the spherised posterior (GP Gibbs)", "spherised_gibbs_error", {}),
        ("majority of the spherised posterior (GP Bayes)", "spherised_bayes_error", {}),
        ("kernel interpolation", "kernel_interpolation_error", {}),
        ("one small-margin network", "test_error", {"targets": "spherised", "label_scale": 1.0}),
        ("vote of small-margin networks", "vote_error", {"targets": "spherised", "label_scale": 1.0}),
        ("one large-margin network", "test_error", {"targets": "labels", "label_scale": 100.0}),
    ]
    percent = {
        50: (58.5, 39.1, 20.65, 20.66, 37.2, 24.4, 21.1),
        200: (47.3, 30.8, 9.96, 9.96, 30.6, 10.4, 9.1),
        500: (42.7, 28.4, 5.94, 5.97, 26.1, 7.0, 6.5),
        1000: (41.4, 26.6, 4.26, 4.27, 23.2, 5.5, 4.4),
    }
    return [
        Row(what, variable, {"train_size": n, **point}, value / 100, source)
        for n, values in percent.items()
        for (what, variable, point), value in zip(columns, values, strict=True)
    ]
