"""How far a run is: what is counted, and the time that is left."""

import pytest

from snakemake_logger_plugin_laboratory.run import Job, Run, duration


def finished(run: Run, rule: str, start: float, end: float) -> None:
    run.start(hash((rule, start)), Job(rule, rule, [], start))
    assert run.finish(hash((rule, start)), end) is not None


def test_jobs_are_counted_once_and_those_that_make_nothing_are_not() -> None:
    run = Run({"train": 2}, since=0)
    run.start(0, Job("all", "all", [], 0.0))
    assert run.finish(0, 1.0) is None
    assert (run.done, run.total) == (0, 2)
    run.start(1, Job("train", "training a", [], 0.0))
    run.start(2, Job("train", "training b", [], 5.0))
    assert [job.name for job in run.running()] == ["training a", "training b"]
    assert run.finish(1, 8.0).name == "training a"  # type: ignore[union-attr]
    assert run.finish(1, 9.0) is None
    assert run.drop(2).name == "training b"  # type: ignore[union-attr]
    assert (run.done, run.running()) == (1, [])


def test_the_time_left_is_that_of_the_rules_whose_jobs_are_left() -> None:
    run = Run({"train": 4, "measure": 4}, since=0)
    assert run.seconds_left(0.0) is None
    finished(run, "train", 0, 10)
    finished(run, "train", 10, 20)
    finished(run, "measure", 20, 21)
    finished(run, "measure", 21, 22)
    assert run.seconds_left(22.0) == pytest.approx(2 * 10 + 2 * 1)
    run.start(9, Job("train", "training", [], 22.0))
    assert run.seconds_left(26.0) == pytest.approx(2 * 10 + 2 * 1 - 4)


def test_jobs_side_by_side_take_less_time() -> None:
    run = Run({"train": 8}, since=0)
    for start in (0, 0, 10, 10):
        run.start(start, Job("train", "training", [], start))
        run.finish(start, start + 10)
    assert run.seconds_left(20.0) == pytest.approx(20)


def test_a_rule_of_which_none_is_finished_takes_as_long_as_all_others() -> None:
    run = Run({"train": 1, "study": 2}, since=0)
    finished(run, "train", 0, 6)
    assert run.seconds_left(6.0) == pytest.approx(12)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.04, "0.0 s"),
        (1.2, "1.2 s"),
        (59, "59 s"),
        (89, "89 s"),
        (120, "2 min"),
        (5340, "89 min"),
        (7380, "2 h 3 min"),
    ],
)
def test_durations(seconds: float, told: str) -> None:
    assert duration(seconds) == told
