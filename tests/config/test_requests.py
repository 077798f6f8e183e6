"""What jobs ask for: sizes of their own, GPUs where they are worth it, and nothing that a cluster would not grant."""

import inspect
from pathlib import Path
from typing import Any

import pytest

from implicitbias.catalogue import METRICS, resolve
from implicitbias.catalogue.arguments import MADE_OF, OF_TRAINED, made_of
from implicitbias.config.jobs import STAGES
from implicitbias.config.load import config_of, validate
from implicitbias.config.plan import Plan, make_plan
from implicitbias.errors import ConfigError
from implicitbias.measurement.measure import MAKERS

PAPER = Path(__file__).parents[2] / "config/paper.yaml"
LIMITS = {"longest_minutes": 24 * 60, "largest_mb": 64_000}


def plan(execution: dict[str, Any] | None = None, **changes: Any) -> Plan:
    """A study of wide networks: two label scales and four seeds in one training."""
    study: dict[str, Any] = {
        "task": {"source": "digits", "labels": "binary", "train_size": 100, "seed": [0, 1, 2, 3]},
        "network": {"depth": 7, "width": 3000},
        "training": {"epochs": 100, "batch_size": 50, "label_scale": [0.1, 1.0]},
        "metrics": ["test_error"],
    }
    for name, value in changes.items():
        block, _, key = name.partition("__")
        study = {**study, block: {**study[block], key: value} if key else value}
    return make_plan(validate({"execution": execution or {}, "studies": {"one": study}}))


def only(made: Plan, stage: str) -> Any:
    (job,) = made.jobs[stage].values()
    return job.request


def paper(**execution: Any) -> Plan:
    return make_plan(config_of(PAPER, given={"execution": execution}))


def test_a_measurement_of_outputs_is_small_whatever_was_trained() -> None:
    made = plan({"keep_weights": False})
    assert only(made, "training").memory_mb > 2000
    assert only(made, "training").minutes > 60
    assert only(made, "measurements").memory_mb < 1000
    assert only(made, "measurements").minutes == 2


def test_a_measurement_holds_the_weights_that_are_kept_or_used() -> None:
    numbers = 64 * 3000 + 5 * 3000**2 + 3000
    kept = only(plan(), "measurements").memory_mb
    assert kept > 8 * numbers * 4 / 2**20  # eight members in float32
    used = only(plan({"keep_weights": False}, metrics=["stable_rank"]), "measurements").memory_mb
    assert used > kept + 8 * numbers * 8 / 2**20  # and in float64
    log = only(plan(metrics=["stable_rank"], training__checkpoints=[0, 100]), "measurements").memory_mb
    assert log > 1.9 * used
    gradients = only(plan(metrics=["tangent_kernel_alignment"]), "measurements")
    assert gradients.memory_mb > used


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_says_what_it_uses(name: str) -> None:
    """Which its arguments show, and its memory follows from."""
    entry = METRICS[name]
    asked = set(inspect.signature(resolve(entry)).parameters)
    assert asked <= {*MADE_OF, *entry.arguments, *entry.coordinates}
    assert entry.demand == made_of(asked)
    assert entry.trained == bool(asked & OF_TRAINED)


def test_the_arguments_of_metrics_are_those_that_are_made() -> None:
    assert set(MADE_OF) == {*MAKERS, "task", "run", "lead", "network", "training"}


def test_device_auto_asks_for_a_gpu_where_there_are_some_and_it_is_worth_it() -> None:
    assert only(plan(), "training").gpus == 0
    on_cpu, on_gpu = plan(), plan({"gpus": True})
    assert only(on_gpu, "training").gpus == 1
    assert only(on_gpu, "training").minutes * 10 < only(on_cpu, "training").minutes
    assert only(on_gpu, "measurements").gpus == only(on_gpu, "tasks").gpus == 0
    assert only(plan({"gpus": True}, network__width=50), "training").gpus == 0
    assert only(plan({"gpus": True, "device": "cpu"}), "training").gpus == 0
    assert only(plan({"device": "cuda"}, network__width=50), "training").gpus == 1


def covered(made: Plan) -> list[tuple[Any, ...]]:
    """Seed and label scale of everything that is trained."""
    return sorted(
        (seed, scale)
        for job in made.jobs["training"].values()
        for seed in made.job(job.inputs["task"]).parameters["seed"]
        for scale in job.parameters["ensemble"]["label_scale"]
    )


@pytest.mark.parametrize(("share", "jobs", "tasks"), [(1, 1, 1), (0.6, 2, 1), (0.3, 4, 2), (0.2, 8, 4)])
def test_a_training_above_the_limit_is_cut_into_jobs_that_are_granted(share: float, jobs: int, tasks: int) -> None:
    limit = int(share * only(plan(), "training").minutes)
    made = plan({"longest_minutes": limit})
    assert len(made.jobs["training"]) == len(made.jobs["measurements"]) == jobs
    assert len(made.jobs["tasks"]) == tasks
    assert all(job.request.minutes <= limit for job in made.jobs["training"].values())
    assert covered(made) == covered(plan())


def test_a_part_has_the_key_that_a_study_of_its_values_would_have() -> None:
    limit = only(plan(), "training").minutes - 1
    parts = plan({"longest_minutes": limit}).jobs["training"].keys()
    alone = [plan(training__label_scale=[scale]).jobs["training"].keys() for scale in (0.1, 1.0)]
    assert parts == alone[0] | alone[1]


def test_what_no_job_can_do_within_the_limits_is_refused_with_what_to_change() -> None:
    with pytest.raises(ConfigError) as refused:
        plan({"longest_minutes": 20})
    text = str(refused.value)
    for words in ("studies.one: training digits-binary-n100", "longest_minutes = 20", "fewer members", "gpus: true"):
        assert words in text
    with pytest.raises(ConfigError, match=r"experiment boolean_posterior.*longest_minutes = 6"):
        make_plan(
            validate(
                {"execution": {"longest_minutes": 6}, "studies": {"a": {"experiment": {"name": "boolean_posterior"}}}}
            )
        )


def test_retries_ask_for_twice_as_much_and_never_for_more_than_the_limit() -> None:
    made = plan(LIMITS)
    first = only(made, "training")
    execution = validate({"execution": LIMITS, "studies": {"a": {"experiment": {"name": "calibration"}}}}).execution
    second, late = first.again(2, execution), first.again(9, execution)
    assert (second.memory_mb, second.minutes) == (2 * first.memory_mb, 2 * first.minutes)
    assert (late.memory_mb, late.minutes, late.gpus) == (64_000, 24 * 60, first.gpus)


def test_the_published_grids_are_granted_by_a_cluster_of_a_day_64_gb_and_gpus() -> None:
    made = paper(gpus=True, **LIMITS)
    requests = [job.request for stage in STAGES for job in made.jobs[stage].values()]
    assert max(request.minutes for request in requests) <= 24 * 60
    assert max(request.memory_mb for request in requests) <= 64_000
    assert max(request.gpus for request in requests) == 1
    cut = made.jobs["training"].keys() - paper().jobs["training"].keys()
    assert 0 < len(cut) < 50
    with pytest.raises(ConfigError, match="gpus: true"):
        paper(**LIMITS)
