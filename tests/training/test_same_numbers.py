"""Networks became values, and no number moved: optimizers, losses, networks and metrics against numbers of before.

`same_numbers.json` was written by the code in which networks were dictionaries of strings; on its machine all numbers
are equal to the last bit. Other processors round otherwise, which four epochs hardly amplify.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import complete
from implicitbias.catalogue import LOSSES, METRICS, OPTIMIZERS
from implicitbias.measurement.measure import measure
from implicitbias.tasks.build import build
from implicitbias.training.run import train

BEFORE = json.loads((Path(__file__).parent / "same_numbers.json").read_text())
SHORT = {"epochs": 4, "batch_size": 5, "dtype": "float64", "checkpoints": [2, 8], "members": 2, "learning_rate": 0.002}
SQUARE = {"loss": "square", "optimizer": "sgd"}
LOGISTIC = {"loss": "logistic", "optimizer": "sgd"}
DEEP: dict[str, Any] = {"depth": 3, "width": 6}
TWO: dict[str, Any] = {"depth": 2, "width": 6, "activation": "plain_relu"}
RESIDUAL = {**DEEP, "residual": True, "activation": "plain_leaky_relu", "slope": 0.3}
LYU_LI = {"architecture": "lyu_li", "width": 64, "activation": "plain_relu", "bias": "first"}
UNTIL_FIT = {
    "loss": "exponential", "optimizer": "steepest_linf", "until_fit": "sgd", "power": 0, "learning_rate": 0.01,
}  # fmt: skip
CELLS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    **{f"optimizer {name}": (DEEP, {"loss": "square", "optimizer": name}) for name in OPTIMIZERS},
    **{f"loss {name}": (TWO, {**SQUARE, "loss": name}) for name in LOSSES},
    **{
        f"output {output}": ({**TWO, "output": output}, LOGISTIC)
        for output in ("signs", "halves", "mean_field", "random_features")
    },
    "biases": ({**DEEP, "bias": "all", "activation": "gelu"}, LOGISTIC),
    "first biases": ({**DEEP, "bias": "first", "activation": "squared_relu"}, LOGISTIC),
    "residual": (RESIDUAL, LOGISTIC),
    "linear": ({"depth": 1, "activation": "linear"}, LOGISTIC),
    "lyu_li": (LYU_LI, LOGISTIC),
    "loss based": (TWO, {"loss": "log_logistic", "optimizer": "sgd", "schedule": "loss_based", "learning_rate": 0.1}),
    "until fit": (
        TWO,
        {"loss": "exponential", "optimizer": "steepest_linf", "until_fit": "sgd", "power": 0, "learning_rate": 0.01},
    ),
}


@pytest.mark.parametrize("name", BEFORE)
def test_numbers_are_those_of_before(name: str) -> None:
    network, training = (complete.network(**CELLS[name][0]), complete.training(**{**SHORT, **CELLS[name][1]}))
    task = build(
        source="digits", labels="3v6", train_size=10, test_size=30, seed=[0, 1], raw_dir=Path(), scaling="norm"
    )
    run = train(task, network=network, training=training, ensemble={})
    before = dict(BEFORE[name])
    assert float(run["train_output"].mean()) == pytest.approx(before.pop("train_output"), rel=1e-7, abs=1e-9)
    assert float(run["test_output"].mean()) == pytest.approx(before.pop("test_output"), rel=1e-7, abs=1e-9)
    measured = measure(task, run, list(before))
    for metric, (mean, count) in before.items():
        values = measured[metric].values
        assert int(np.isfinite(values).sum()) == count, metric
        if mean is not None:
            assert float(np.nanmean(values)) == pytest.approx(mean, rel=1e-5, abs=1e-7), metric


def test_every_metric_is_among_them() -> None:
    """But for those that came later."""
    later = {
        "layer_tangent_alignment", "layer_tangent_rank", "local_log_volume", "local_log_volume_stderr", "path_spectrum",
        "smallest_margin", "tangent_alignment_by_kind", "tangent_kernel_alignment", "tangent_kernel_rank",
        "tangent_trace_ratio", "test_error_by_point", "test_path_spectrum",
    }  # fmt: skip
    assert {metric for cell in BEFORE.values() for metric in cell} >= set(METRICS) - {"plane_point"} - later
