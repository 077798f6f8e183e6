"""Margins that optimizers reach."""

from typing import Any

from implicitbias.catalogue import METRICS
from implicitbias.studies.published import Row


def steepest_descent_margins() -> list[Row]:
    """Final margins of the small teacher-student problem, computed once beforehand, from another seed."""
    source = "the experiment of Tsilivis, Vardi & Kempe 2025 at d = 20, width 64, n = 60, computed once beforehand"
    found = {
        "linf": {"steepest_linf": 52.0, "steepest_l2": 4.6, "steepest_l1": 0.65},
        "l2": {"steepest_linf": 0.083, "steepest_l2": 0.157, "steepest_l1": 0.10},
        "l1": {"steepest_linf": 8.1e-5, "steepest_l2": 3.2e-4, "steepest_l1": 8.7e-4},
    }
    return [
        Row(
            METRICS[f"margin_{norm}"].long_name,
            f"margin_{norm}",
            {"optimizer": name, "init_scale": 10.0},
            value,
            source,
            own=True,
        )
        for norm, values in found.items()
        for name, value in values.items()
    ]


def tsilivis_2025_teacher() -> list[Row]:
    """Final margins of steepest descent on the paper's teacher-student problem, to a power of ten or so; ranges by
    their middle.
    """
    source = (
        "Tsilivis, Vardi & Kempe 2025, teacher and student (figures, to a power of ten; their dimension is some 2^15,"
        " so the scale is another: compare the algorithms)"
    )
    found = {
        "steepest_l1": ((0.2, None), (0.075, 0.025), (1e-5, None)),
        "steepest_l2": ((1e2, None), (1.0, None), (1e-7, None)),
        "steepest_linf": ((5.5e4, 4.5e4), (1e-2, None), (2e-10, None)),
    }
    return [
        Row(METRICS[f"margin_{norm}"].long_name, f"margin_{norm}", {"optimizer": name}, value, source, spread)
        for name, values in found.items()
        for norm, (value, spread) in zip(("linf", "l2", "l1"), values, strict=True)
    ]


def tsilivis_2025_adam() -> list[Row]:
    """Margins of sign descent, Adam and gradient descent on pairs of MNIST's digits."""
    source = "Tsilivis, Vardi & Kempe 2025, Adam (figures; MNIST, 3 against 6, 100 points, width 128)"
    adams: dict[tuple[float, float], tuple[float, float]] = {
        (1e-8, 0.0): (900, 560), (0.01, 0.9): (700, 420), (0.01, 0.0): (600, 260), (1e-8, 0.9): (430, 140),
    }  # fmt: skip
    plain = {"epsilon": 1e-8, "beta1": 0.0}  # which sign and gradient descent do not have
    rows = [
        Row("ℓ∞-normalised margin, sign descent", "margin_linf", {"optimizer": "steepest_linf", **plain}, 870, source),
        Row("ℓ∞-normalised margin, gradient descent", "margin_linf", {"optimizer": "sgd", **plain}, 0, source),
        Row("ℓ2-normalised margin, gradient descent", "margin_l2", {"optimizer": "sgd", **plain}, 0.62, source),
    ]
    for (epsilon, beta1), (peak, last) in adams.items():
        point: dict[str, Any] = {"optimizer": "adam", "epsilon": epsilon, "beta1": beta1}
        rows.append(Row("ℓ∞-normalised margin, Adam, largest", "margin_linf", point, peak, source, peak=True))
        rows.append(Row("ℓ∞-normalised margin, Adam, last", "margin_linf", point, last, source))
    return rows


def tsilivis_2025_shampoo() -> list[Row]:
    """Spectral margins of Shampoo, of networks with a frozen output layer."""
    source = (
        "Tsilivis, Vardi & Kempe 2025, Shampoo (figures; width 128, frozen output layer, on another scale than ours:"
        " compare the algorithms)"
    )
    found = {"shampoo": (6e-3, None), "steepest_l2": (4.75e-3, 2.5e-4), "steepest_linf": (4.75e-3, 2.5e-4)}
    return [
        Row("spectral-normalised margin", "margin_spectral", {"optimizer": name}, value, source, spread)
        for name, (value, spread) in found.items()
    ]


def zhang_zou_cao_2024() -> list[Row]:
    """Fractions of the largest margins that Adam and gradient descent reach in a linear model after 200,000 steps,
    computed once beforehand.
    """
    source = "the experiment of Zhang, Zou & Cao 2024 after 200,000 steps, computed once beforehand"
    descent = {"optimizer": "sgd"}
    return [
        Row("share of the l-infinity margin, Adam", "margin_linf_share",
            {"optimizer": "adam", "step_exponent": exponent}, value, source, own=True)
        for exponent, value in zip((0.3, 0.5, 0.7, 1.0), (0.979, 0.982, 0.940, 0.681), strict=True)
    ] + [
        Row("share of the l-infinity margin, gradient descent", "margin_linf_share", descent, 0.464, source, own=True),
        Row("share of the l2 margin, gradient descent", "margin_l2_share", descent, 0.944, source, own=True),
    ]  # fmt: skip


def chizat_bach_2020() -> list[Row]:
    """Test errors of wide networks on the disc grid against n, read off the figure of Chizat & Bach (2020)."""
    source = "Chizat & Bach 2020, section 5 (figure; width 1000, 50,000 steps, 20 draws)"
    errors = {"mean_field": (0.36, 0.22, 0.12, 0.03, 0.01), "random_features": (0.40, 0.31, 0.26, 0.22, 0.19)}
    names = {"mean_field": "both layers", "random_features": "output layer"}
    return [
        Row(f"test error, {names[output]}", "test_error", {"train_size": n, "output": output}, value, source)
        for output, values in errors.items()
        for n, value in zip((32, 64, 128, 256, 512), values, strict=True)
    ]


def chizat_bach_2020_width() -> list[Row]:
    """Margin in the variation norm against the width, read off the figure of Chizat & Bach (2020)."""
    source = "Chizat & Bach 2020, section 5 (figure; 256 points in 15 dimensions)"
    return [
        Row("variation-norm (F1) margin", "margin_f1", {"width": width}, value, source)
        for width, value in ((8, 0.002), (16, 0.0085), (1024, 0.011))
    ]
