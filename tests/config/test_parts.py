"""Trainings that limits cut into parts: the study's dataset is the same, to the last bit."""

from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from implicitbias.config import jobs, plan
from implicitbias.config.load import validate
from implicitbias.config.size import Size
from implicitbias.measurement.measure import measure
from implicitbias.nngp.evaluate import evaluate
from implicitbias.studies.assemble import assemble
from implicitbias.tasks.build import build
from implicitbias.training.run import train

STUDY: dict[str, Any] = {
    "task": {"source": "digits", "labels": "binary", "train_size": [6, 60], "test_size": 20, "seed": [3, 1, 2]},
    "network": {"depth": 2, "width": 4},
    "training": {"epochs": 3, "batch_size": 3, "label_scale": [1.0, 0.1], "checkpoints": [0, 6]},
    "nngp": {"estimators": ["bound"], "label_scale": [1.0, 0.1], "by_point": True},
    "metrics": ["train_error", "test_error", "test_error_by_point", "smallest_margin"],
}


def planned(**execution: Any) -> plan.Plan:
    return plan.make_plan(validate({"execution": execution, "studies": {"one": STUDY}}))


def dataset(of: plan.Plan) -> xr.Dataset:
    """The study's dataset, everything computed in this process."""
    made: dict[str, xr.Dataset] = {}

    def result(address: str) -> xr.Dataset:
        if address not in made:
            job, stage = of.job(address), address.split("/")[0]
            files = {name: result(source) for name, source in job.inputs.items()}
            functions: dict[str, Any] = {"training": train, "measurements": measure, "nngp": evaluate}
            if stage == "tasks":
                made[address] = build(raw_dir=Path(), **job.parameters)
            else:
                made[address] = functions[stage](*files.values(), **job.parameters)
        return made[address]

    study = of.studies["one"]
    pieces = [(piece.coords, piece.prefix, result(piece.path)) for piece in study.pieces]
    return assemble(pieces, axes=study.axes, fixed=study.fixed, title="one", parameters={})


def test_the_limits_change_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the larger training set alone: the smaller one's ensembles stay whole."""

    def slow(task: Any, network: Any, training: Any, members: int, **_: Any) -> Size:
        return Size(1000, members * task["train_size"], 1000)

    monkeypatch.setattr(jobs, "training_size", slow)
    whole, cut = planned(), planned(longest_minutes=100)
    assert sorted(job.request.minutes for job in whole.jobs["training"].values()) == [36, 360]
    assert sorted(job.request.minutes for job in cut.jobs["training"].values()) == [36] + [60] * 6
    assert (len(whole.jobs["tasks"]), len(cut.jobs["tasks"])) == (2, 5)
    assert whole.jobs["nngp"].keys() == cut.jobs["nngp"].keys()
    assert whole.jobs["training"].keys() & cut.jobs["training"].keys()
    assert dataset(cut).identical(dataset(whole))
