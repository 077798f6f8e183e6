"""Single published figures, to be shown beside ours. Every row says where it was read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from implicitbias.catalogue import PUBLISHED, resolve


@dataclass(frozen=True)
class Row:
    """A published figure.

    Attributes:
        quantity: what it is, in words.
        variable: the study's variable that answers to it.
        point: coordinates of the point in the study.
        value: the published value.
        source: where it was read.
        spread: its published standard deviation or error, if there is one.

    """

    quantity: str
    variable: str
    point: Mapping[str, Any]
    value: float
    source: str
    spread: float | None = None


def compare(dataset: xr.Dataset, table: str) -> pd.DataFrame:
    """A table of the catalogue beside the study's own values.

    Returns:
        Columns quantity, at, published, ours, stderr (of ours, over seeds and networks), difference, source. Where
        the study has no such point, ours is NaN.

    """
    rows: Sequence[Row] = resolve(PUBLISHED[table])()
    lines = []
    for row in rows:
        mean, stderr = _ours(dataset, row)
        lines.append(
            {
                "quantity": row.quantity,
                "at": ", ".join(f"{key} {value}" for key, value in row.point.items()),
                "published": row.value,
                "ours": mean,
                "stderr": stderr,
                "difference": mean - row.value,
                "source": row.source,
            }
        )
    return pd.DataFrame(lines)


def _ours(dataset: xr.Dataset, row: Row) -> tuple[float, float]:
    if row.variable not in dataset:
        return np.nan, np.nan
    data = dataset[row.variable]
    for key, value in row.point.items():
        if key not in data.coords or value not in np.atleast_1d(data[key].values):
            return np.nan, np.nan
        if key in data.dims:
            data = data.sel({key: value})
    values = data.values.ravel()
    values = values[~np.isnan(values)]
    if not len(values):
        return np.nan, np.nan
    stderr = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(values.mean()), float(stderr)


def bernstein_yue_2021_section4() -> list[Row]:
    """The ends of section 4's curves: MNIST, width 5000, mean of three seeds, and the true complexity's values."""
    source = "Bernstein & Yue 2021, section 4 (MNIST, width 5000, mean of 3 seeds)"
    names = ("1", "0.1", "estimator", "bound")
    ends = {
        ("decimal", 7): ((0.276, 0.070), (0.434, 0.122), (0.559, 0.388), (0.583, 0.433)),
        ("decimal", 2): ((0.305, 0.085), (0.493, 0.390), (0.543, 0.427), (0.600, 0.488)),
        ("binary", 7): ((0.012, 0.001), (0.336, 0.009), (0.413, 0.336), (0.507, 0.404)),
        ("random", 7): ((0.50, 0.50), (0.50, 0.50), (0.623, 0.545), (0.645, 0.577)),
    }
    rows = []
    for (labels, depth), values in ends.items():
        for name, pair in zip(names, values, strict=True):
            for size, value in zip((50, 500), pair, strict=True):
                point: dict[str, Any] = {"labels": labels, "depth": depth, "train_size": size}
                if name in ("estimator", "bound"):
                    point["estimator"] = "importance" if name == "estimator" else "bound"
                    what = "published estimator" if name == "estimator" else "closed bound"
                    rows.append(Row(f"PAC-Bayes error, {what}", "pac_bayes_bound", point, value, source))
                else:
                    point["label_scale"] = float(name)
                    rows.append(Row("test error of trained networks", "test_error", point, value, source))
    return rows


def bernstein_yue_2021_section5() -> list[Row]:
    """Section 5: binary MNIST, 5 training and 50 test points, depth 7, width 10,000, seed 0."""
    source = "Bernstein & Yue 2021, section 5 (MNIST, width 10,000, 100 networks)"
    scales = (0.01, 0.1, 1.0, 10.0, 100.0)
    networks = ((0.503, 0.117), (0.388, 0.096), (0.178, 0.073), (0.042, 0.024), (0.021, 0.004))
    nngp = ((0.505, 0.118), (0.466, 0.126), (0.211, 0.085), (0.165, 0.027), (0.160, 0.003))
    rows = [
        Row(what, variable, {"label_scale": scale}, value, source, spread)
        for what, variable, values in (
            ("test error of trained networks", "test_error", networks),
            ("NNGP conditioned at the label scale", "ray_error", nngp),
        )
        for scale, (value, spread) in zip(scales, values, strict=True)
    ]
    rows.append(Row("NNGP average over the orthant", "gibbs_error", {}, 0.337, source, 0.0024))
    rows.append(Row("rejection-sampled networks", "sampled_test_error", {}, 0.325, source, 0.103))
    rows.append(Row("mean |f| of rejection-sampled networks", "sampled_output_scale", {}, 0.516, source, 0.214))
    rows.append(Row("share of random networks accepted", "sampled_acceptance", {}, 0.082, source))
    return rows


def kou_chen_gu_2023() -> list[Row]:
    """Stable rank of the positive half after 1, 10 and 50 epochs; computed once beforehand, from another seed."""
    source = "the experiment of Kou, Chen & Gu 2023, section 6, computed once beforehand (another seed, m = 100)"
    found = {
        (0.0, 1e-5): (13.5, 1.14, 1.006), (0.5, 1e-5): (7.4, 1.07, 1.003), (0.0, 1e-4): (54.8, 14.1, 1.58),
        (0.8, 1e-4): (55.2, 5.5, 1.19), (0.0, 1e-3): (56.7, 56.7, 37.5), (0.8, 1e-3): (54.0, 53.9, 16.2),
    }  # fmt: skip
    return [
        Row("stable rank of the positive half", "positive_stable_rank",
            {"slope": slope, "init_scale": scale, "step": step}, value, source)
        for (slope, scale), values in found.items()
        for step, value in zip((1, 10, 50), values, strict=True)
    ]  # fmt: skip


def steepest_descent_margins() -> list[Row]:
    """Final margins of the small teacher-student problem; computed once beforehand, from another seed."""
    source = "the experiment of Tsilivis, Vardi & Kempe 2025 at d = 20, width 64, n = 60, computed once beforehand"
    found = {
        "linf": {"steepest_linf": 52.0, "steepest_l2": 4.6, "steepest_l1": 0.65},
        "l2": {"steepest_linf": 0.083, "steepest_l2": 0.157, "steepest_l1": 0.10},
        "l1": {"steepest_linf": 8.1e-5, "steepest_l2": 3.2e-4, "steepest_l1": 8.7e-4},
    }
    last = 8000
    return [
        Row(f"margin by {norm}", f"margin_{norm}", {"optimizer": name, "init_scale": 10.0, "step": last}, value, source)
        for norm, values in found.items()
        for name, value in values.items()
    ]


def zhang_zou_cao_2024() -> list[Row]:
    """Shares of the largest margins in a linear model after 200,000 steps; computed once beforehand."""
    source = "the experiment of Zhang, Zou & Cao 2024 at 200,000 steps (here 20,000), computed once beforehand"
    return [
        Row("share of the l-infinity margin, Adam", "margin_linf_share",
            {"optimizer": "adam", "step_exponent": exponent, "step": 20000}, value, source)
        for exponent, value in zip((0.3, 0.5, 0.7, 1.0), (0.979, 0.982, 0.940, 0.681), strict=True)
    ] + [
        Row("share of the l2 margin, gradient descent with plain steps", "margin_l2_share",
            {"optimizer": "steepest_l2", "step_exponent": 0.3, "step": 20000}, 0.944, source)
    ]  # fmt: skip


def chizat_bach_2020() -> list[Row]:
    """Test errors against n, read off the paper's figure."""
    source = "Chizat & Bach 2020, section 5 (figure; width 1000, 50,000 steps, 20 draws)"
    errors = {"mean_field": (0.36, 0.22, 0.12, 0.03), "random_features": (0.40, 0.31, 0.26, 0.22)}
    names = {"mean_field": "both layers", "random_features": "output layer"}
    return [
        Row(f"test error, {names[output]}", "test_error", {"train_size": n, "output": output}, value, source)
        for output, values in errors.items()
        for n, value in zip((32, 64, 128, 256), values, strict=True)
    ]


def bernstein_yue_2021_bayes_point() -> list[Row]:
    """The second version's table: percent errors on decimal MNIST, depth 7, width 1000."""
    source = "Bernstein & Yue 2021, second version, section 5 (MNIST, depth 7, width 1000)"
    columns: list[tuple[str, str, dict[str, Any]]] = [
        ("draw of the spherised posterior (GP Gibbs)", "spherised_gibbs_error", {}),
        ("majority of the spherised posterior (GP Bayes)", "spherised_bayes_error", {}),
        ("kernel interpolation", "kernel_interpolation_error", {}),
        ("one small-margin network", "test_error", {"targets": "spherised", "label_scale": 1.0}),
        ("vote of small-margin networks", "vote_error", {"targets": "spherised", "label_scale": 1.0}),
        ("one large-margin network", "test_error", {"targets": "labels", "label_scale": 100.0}),
    ]
    percent = {
        50: (39.1, 20.65, 20.66, 37.2, 24.4, 21.1),
        200: (30.8, 9.96, 9.96, 30.6, 10.4, 9.1),
        500: (28.4, 5.94, 5.97, 26.1, 7.0, 6.5),
        1000: (26.6, 4.26, 4.27, 23.2, 5.5, 4.4),
    }
    return [
        Row(what, variable, {"train_size": n, **point}, value / 100, source)
        for n, values in percent.items()
        for (what, variable, point), value in zip(columns, values, strict=True)
    ]


def peleg_hein_2024() -> list[Row]:
    """Test accuracies of perceptrons that fit n points of MNIST's 0 and 7, which are other points than ours."""
    source = "Peleg & Hein 2024, tables of the appendix (MNIST, 0 against 7, pooled images)"
    percent = {
        (0.16667, 4): (65, 72.9), (0.16667, 16): (79.7, 90.5), (0.16667, 24): (85, 94.1),
        (1.0, 4): (64.2, 87.2), (1.0, 16): (78.3, 94), (1.0, 24): (83.6, 96.5),
    }  # fmt: skip
    return [
        Row(
            f"test accuracy, {word}",
            "test_accuracy",
            {"factor": factor, "train_size": n, "found_by": name},
            value / 100,
            source,
        )
        for (factor, n), pair in percent.items()
        for (name, word), value in zip((("guess", "guess and check"), ("sgd", "SGD")), pair, strict=True)
    ]


def peleg_hein_2024_lenet() -> list[Row]:
    """Test accuracies of LeNets trained on 16 points of MNIST's 0 and 7."""
    source = "Peleg & Hein 2024 (LeNet on MNIST, 0 against 7, n = 16)"
    percent = {
        "sgd": (90.7, 93.6, 95.2), "gd": (86.1, 91.5, 93.7), "long_gd": (90.0, 93.3, 94.9),
    }  # fmt: skip
    return [
        Row(f"test accuracy, {name}", "test_accuracy", {"factor": factor, "train_size": 16, "found_by": name}, value /
        100,
            source)
        for name, values in percent.items()
        for factor, value in zip((0.16667, 0.33333, 0.66667), values, strict=True)
    ]  # fmt: skip
