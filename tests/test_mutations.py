"""A sample of `tests/mutations.py`, in seconds: whatever changes a job's numbers changes its fingerprint."""

import pytest
import xarray as xr

from implicitbias.catalogue import pointers
from implicitbias.config.jobs import Job as Row
from implicitbias.config.load import validate
from implicitbias.config.plan import make_plan
from implicitbias.fingerprint import _REPORTING, closure
from mutations import Job, baseline, mutate_entries, mutate_functions
from traced import module_of

STUDIES = {
    "trained": {
        "task": {"source": "digits", "labels": "decimal", "train_size": 4, "test_size": 6, "seed": [0]},
        "network": {"depth": 2, "width": 4},
        "training": {"optimizer": "nero", "epochs": 2, "batch_size": 2, "schedule": "decaying", "decay": 0.9},
        "sampling": {"draws": 200},
        "nngp": {"estimators": ["bound"], "samples": 256, "label_scale": 1.0, "ray_samples": 5, "lazy": True},
        "metrics": ["test_error", "normalized_margin", "weight_norm"],
    },
    "experiment": {"experiment": {"name": "spectral_bias", "width": 8, "steps": 4, "every": 2}},
}
UNDER_TEST = {"networks.duals", "nngp.bounds", "optimizers.nero", "sampling"}


@pytest.fixture(scope="module")
def known() -> dict[str, xr.Dataset]:
    """Results by address."""
    return {}


@pytest.fixture(scope="module")
def jobs(known: dict[str, xr.Dataset]) -> list[Job]:
    """A few jobs, watched while they ran."""
    return list(baseline(make_plan(validate({"studies": STUDIES})), known))


def test_all_stages_have_a_job(jobs: list[Job]) -> None:
    stages = {job.address.split("/")[0] for job in jobs}
    assert stages == {"tasks", "training", "sampling", "measurements", "nngp", "experiments"}


def rows(job: Job, address: str = "") -> list[Row]:
    """The row of a job in the plan, and those of all jobs before it, whose fingerprints its own holds."""
    row = job.plan.job(address or job.address)
    return [row, *(earlier for parent in row.inputs.values() for earlier in rows(job, parent))]


def test_a_job_runs_no_module_that_its_fingerprint_does_not_hold(jobs: list[Job]) -> None:
    elsewhere = ("implicitbias.catalogue", "implicitbias.schema", "implicitbias.config", *_REPORTING)
    for job in jobs:
        functions = [function for row in rows(job) for function in row.functions]
        functions += [pointer for row in rows(job) for entry in row.entries for pointer, _ in pointers(entry)]
        held = closure(frozenset(function.split(":")[0] for function in functions))
        ran = {module_of(code) for code in job.codes if code.co_name != "<module>"}
        assert not [name for name in ran - held if not name.startswith(elsewhere)], job.address


def test_a_job_reads_no_entry_that_neither_it_nor_a_job_before_it_names(jobs: list[Job]) -> None:
    for job in jobs:
        named = [id(entry) for row in rows(job) for entry in row.entries]
        assert not [read.function for read in job.entries if id(read) not in named], job.address


def test_a_changed_number_makes_stale_what_it_changes(jobs: list[Job], known: dict[str, xr.Dataset]) -> None:
    outcomes = list(mutate_functions(jobs, known, {f"implicitbias.{name}" for name in UNDER_TEST}))
    assert {outcome.what.split(":")[0] for outcome in outcomes if outcome.changed} == {
        f"implicitbias.{name}" for name in UNDER_TEST
    }
    assert not [(outcome.what, outcome.faults) for outcome in outcomes if outcome.faults]


def test_a_changed_entry_makes_stale_what_it_changes(jobs: list[Job], known: dict[str, xr.Dataset]) -> None:
    outcomes = list(mutate_entries(jobs, known))
    assert any(outcome.changed for outcome in outcomes)
    assert not [(outcome.what, outcome.faults) for outcome in outcomes if outcome.faults]
