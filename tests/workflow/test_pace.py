"""Snakemake's scheduler is woken when a job ends, not by timers that grow in number with the jobs."""

import re

import pytest
from laboratory import Laboratory

TELL = """
onsuccess:
    import threading

    timers = [one for one in threading.enumerate() if isinstance(one, threading.Timer)]
    print(f"{len(timers)} timers, limit {workflow.scheduler.job_rate_limiter is not None}", file=sys.stderr)
"""


@pytest.mark.parametrize(("asked", "limited"), [([], False), (["--max-jobs-per-timespan", "50/1s"], True)])
def test_no_timer_is_left_by_a_job_unless_a_limit_is_asked_for(
    new_tiny: Laboratory, asked: list[str], limited: bool
) -> None:
    new_tiny.edit("Snakefile", lambda text: text + TELL)
    done = new_tiny.snakemake(*asked, "tasks", "nngp")
    found = re.search(r"(\d+) timers, limit (\w+)", done.stderr)
    assert found
    assert found[2] == str(limited)
    assert (int(found[1]) > 0) == limited
