"""The test config from nothing to the report, and what stands in its files."""

import re
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml
from laboratory import Laboratory

from implicitbias import schema
from implicitbias.config.load import validate
from implicitbias.config.plan import make_plan


def test_every_dataset_keeps_the_contract(finished_test_config: Laboratory) -> None:
    paths = sorted((finished_test_config.folder / "results").rglob("*.nc"))
    stages = {path.parent.name for path in paths}
    assert stages == {"tasks", "training", "sampling", "measurements", "nngp", "experiments", "studies"}
    for path in paths:
        dataset = schema.load(path)
        assert schema.violations(dataset) == []
        assert re.fullmatch("[0-9a-f]{16}", dataset.attrs["code"])


def test_the_studies_have_the_grids_axes(finished_test_config: Laboratory) -> None:
    folder = finished_test_config.folder / "results/test/studies"
    study = schema.load(folder / "generalisation.nc")
    assert study["test_error"].dims == ("labels", "train_size", "depth", "seed", "label_scale")
    assert study["complexity"].dims == ("labels", "train_size", "depth", "seed", "estimator")
    assert study["labels"].values.tolist() == ["decimal", "binary"]
    assert study["width"].item() == 16
    for name in ("test_error", "train_error", "normalized_margin", "complexity", "pac_bayes_bound", "gibbs_error"):
        assert np.isfinite(study[name]).all(), name
    ray = schema.load(folder / "label_ray.nc")
    assert ray["test_error"].dims == ("constraint", "seed", "label_scale", "member")
    # each constraint on rows makes a class of networks, which has its own random and infinite networks
    for name in ("ray_error", "lazy_error"):
        assert ray[name].dims == ("constraint", "seed", "label_scale")
        assert (ray[name].diff("constraint") != 0).any()
    assert ray["sampled_test_error"].dims == ("constraint", "seed", "draw")
    assert ((ray["sampled_acceptance"] > 0) & (ray["sampled_acceptance"] < 1)).all()
    path = schema.load(folder / "decomposition.nc")
    assert path["lazy_error_by_point"].dims == ("train_size", "seed", "label_scale", "test_point")
    for name in ("gibbs", "ray", "lazy", "test"):
        mean = path[f"{name}_error_by_point"].mean("test_point")
        np.testing.assert_allclose(mean, path[f"{name}_error"].transpose(*mean.dims), atol=1e-12)


def test_an_architecture_holds_for_all_values_of_an_axis_that_it_lacks(finished_test_config: Laboratory) -> None:
    kinds = schema.load(finished_test_config.folder / "results/test/studies/architectures.nc")
    for name in ("test_error", "complexity", "gibbs_error", "bayes_error"):
        assert kinds[name].dims == ("architecture", "readout", "seed")
        assert np.isfinite(kinds[name]).all(), name
        flat, averaged = (kinds[name].sel(readout=readout, drop=True) for readout in ("flatten", "global_average"))
        assert (flat.sel(architecture="mlp") == averaged.sel(architecture="mlp")).all()  # which has no readout
    assert (kinds["complexity"].sel(architecture="cnn").diff("readout") != 0).all()


def test_a_study_equals_the_files_it_was_put_together_from(finished_test_config: Laboratory) -> None:
    results = finished_test_config.folder / "results"
    study = schema.load(results / "test/studies/generalisation.nc")
    checked = 0
    for path in (results / "nngp").glob("*.nc"):
        if named := re.match(r"digits-(\w+)-n(\d+)-2seeds-relu-L(\d)", path.stem):
            own = schema.load(path)["complexity"]
            if own.sizes["estimator"] != study.sizes["estimator"]:  # another study's
                continue
            labels, size, depth = named.groups()
            cell = (
                study["complexity"].sel(labels=labels, train_size=int(size), depth=int(depth)).reset_coords(drop=True)
            )
            xr.testing.assert_equal(cell, own)
            checked += 1
    assert checked == 8


def test_figures_and_report_are_there(finished_test_config: Laboratory) -> None:
    results = finished_test_config.folder / "results/test"
    names = {path.relative_to(results / "figures").as_posix() for path in (results / "figures").rglob("*.p*")}
    assert {"generalisation/bounds.png", "generalisation/bounds.pdf", "label_ray/label_ray.png"} <= names
    page = (results / "report.html").read_text(encoding="utf-8")
    pictures = sum(name.endswith(".png") for name in names)
    assert page.count("data:image/png;base64,") == pictures + 1  # the decomposition stands in the answer too
    assert "published" in page


def test_jobs_keep_logs_with_progress(finished_test_config: Laboratory) -> None:
    logs = list((finished_test_config.folder / "results/logs/training").glob("*.log"))
    assert logs
    line = re.compile(r"^training 1-.*: epoch \d+ of \d+, \d+ s, loss \S+, error [01]\.\d+$", re.MULTILINE)
    assert all(line.search(log.read_text()) for log in logs)


SYNTHETIC = {"source": "sparse_parity", "features": [4, 8], "active": 2, "train_size": 6, "seed": [0, 1]}
RUN = {"build_task", "train", "measure", "assemble_study", "gather_runs", "draw_all_runs", "write_report"}


@pytest.mark.parametrize(
    ("study", "rules"),
    [
        (
            {"experiment": {"name": "calibration", "estimator": ["mixture", "subset"]}},
            {"run_experiment", "assemble_study", "gather_runs", "draw_all_runs", "write_report"},
        ),
        (
            {"task": SYNTHETIC, "network": {"depth": 2}, "sampling": {"draws": [10, 20]}, "metrics": ["vote_error"]},
            {"build_task", "sample", "measure", "assemble_study", "gather_runs", "draw_all_runs", "write_report"},
        ),
        (
            {
                "task": SYNTHETIC,
                "network": {"depth": [1, 3], "bias": ["first", "all"], "residual": True, "activation": "silu"},
                "training": {"optimizer": ["steepest_l1", "adam"], "power": [0, 1], "loss": "log_logistic"},
                "ensemble": [],
                "metrics": ["stable_rank"],
            },
            RUN,
        ),
        (
            {
                "task": {"source": "digits", "labels": ["3v6", "0v8"], "train_size": 5},
                "network": {"depth": 2, "activation": "leaky_relu", "slope": [0.0, 0.5]},
                "training": {"targets": ["labels", "spherised"], "loss": ["norm", "square"]},
                "nngp": {"estimators": ["subset", "bound"], "posterior": False, "delta": [0.01, 0.1]},
                "metrics": ["train_error"],
            },
            RUN | {"evaluate_nngp"},
        ),
    ],
    ids=["calibration alone", "sampling alone", "finite networks", "pairs of digits"],
)
def test_every_kind_of_study_builds_a_dag(new_tiny: Laboratory, study: dict[str, Any], rules: set[str]) -> None:
    new_tiny.edit_config(lambda config: config.update(studies={"one": study}))
    planned = new_tiny.planned()
    assert set(planned) == rules
    jobs = make_plan(validate(yaml.safe_load((new_tiny.folder / new_tiny.config).read_text()))).jobs
    assert (
        sum(planned.values()) == sum(map(len, jobs.values())) + 4
    )  # the study, the table of all runs, its figure, the report
