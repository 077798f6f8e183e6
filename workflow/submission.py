"""What a run is about to hand to SLURM, judged before it does; and all of it taken back when the run is stopped.

SLURM's executor does the rest. Its own functions tell here which partition it will choose and what it will write.
"""

import logging
import re
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import cluster
from preflight import Request, forgetful, problems
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake_executor_plugin_slurm.submit_string import get_submit_command
from snakemake_executor_plugin_slurm.utils import set_gres_string

_FOR_GOOD = re.compile("invalid|not permitted|denied", re.IGNORECASE)
"""In what SLURM says of a job that it will never take; that nodes are busy or drained is another matter."""


def check(workflow: Any) -> None:
    """Hold every job of the run against the cluster.

    Raises:
        SystemExit: some would not be granted, with what to change. Nothing has been submitted.

    """
    executor, granted = workflow.scheduler._executor, cluster.ask()
    jobs = submitted(workflow.dag)
    last = max((job.restart_times + 1 for job in jobs), default=1)
    with silence():
        found = problems(requests(jobs, executor, 1), granted) or refusals(jobs, executor)
        again = problems(requests(jobs, executor, last), granted)
    if found:
        raise SystemExit("\n".join(["The cluster would not run this, and no job was submitted.", *found]))
    notices = forgetful(granted, executor.get_status_command())
    if again:
        notices += ["A job that fails asks for more when it is tried again, and would then wait in the queue:", *again]
    if notices:
        logger.warning("\n".join(notices))


@contextmanager
def silence() -> Iterator[None]:
    """Without what the executor logs of each choice: it makes it again, and says so, when it submits."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def submitted(dag: Any) -> list[Any]:
    """Jobs and groups of jobs that this cluster will see (others are not asked), each once."""
    jobs = {dag.get_job_group(job) or job: None for job in dag.needrun_jobs()}
    return [
        job
        for job in jobs
        if not job.is_local and not any(map(job.resources.get, ("cluster", "clusters", "slurm_cluster")))
    ]


def requests(jobs: Iterable[Any], executor: Any, attempt: int) -> list[Request]:
    """What jobs ask for at an attempt."""
    found = []
    for job in jobs:
        first, job.attempt = job.attempt, attempt
        partition = shlex.split(f"{executor.get_partition_arg(job)} ''")[1]
        found.append(request(job, partition, executor.workflow.executor_settings.qos))
        job.attempt = first
    return found


def request(job: Any, partition: str, qos: str | None) -> Request:
    """What a job asks for; amounts that are not known before it runs are left out."""

    def amount(key: str) -> int:
        return cluster.number(str(job.resources.get(key) or ""))

    amounts = {
        "cpus": amount("cpus_per_task") or job.threads,
        "mem_mb": amount("mem_mb"),
        "gpu": amount("gpu"),
        **cluster.gres_in(str(job.resources.get("gres") or "")),
    }
    return Request(
        name=job.groupid if job.is_group() else job.rule.name,
        partition=partition,
        minutes=amount("runtime"),
        node={key: value for key, value in amounts.items() if value},
        account=re.split(r"[,\s]+", str(job.resources.get("slurm_account") or ""))[0],
        qos=str(qos or job.resources.get("qos") or ""),
        group=job.is_group(),
    )


def refusals(jobs: Iterable[Any], executor: Any) -> list[str]:
    """What the executor or SLURM itself say against it, of one job for all that name the same things."""
    kinds = {}
    for job in jobs:
        names = ("slurm_partition", "slurm_account", "qos", "gres", "gpu_model", "constraint", "slurm_extra")
        kinds[(*map(job.resources.get, names), bool(job.resources.get("gpu")))] = job
    return list(dict.fromkeys(filter(None, (refusal(job, executor) for job in kinds.values()))))


def refusal(job: Any, executor: Any) -> str:
    """Why a job cannot be submitted at all; nothing if it can, or if SLURM has other reasons not to take it now."""
    try:
        how = {
            "run_uuid": executor.run_uuid,
            "slurm_logfile": "/dev/null",
            "comment_str": "",
            "account": next(executor.get_account_arg(job)),
            "partition": executor.get_partition_arg(job),
            "workdir": executor.workflow.workdir_init,
        }
        command = get_submit_command(job, how, executor.workflow.executor_settings) + set_gres_string(job)
    except (WorkflowError, OSError) as error:  # in a thread of its own the executor would not say it
        return str(error)
    done = subprocess.run(f"{command} --test-only --wrap=true", shell=True, capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode and _FOR_GOOD.search(done.stderr) else ""


def take_back_when_stopped(workflow: Any) -> None:
    """Have Ctrl-C and `kill` cancel all of the run's jobs, those included that are just being submitted.

    The executor would cancel those that it is not asking SLURM about at that moment, and submit what it has yet to.
    Snakemake would, told to end, wait for all that runs.
    """
    executor = workflow.scheduler._executor

    def cancel_jobs(_: list[Any]) -> None:
        executor._job_submission_executor.shutdown(wait=True, cancel_futures=True)
        # a daemon that may sleep for three minutes yet, before it looks at the queue again
        executor.wait_thread.join = lambda: None
        command = [
            "scancel",
            f"--name={executor.run_uuid}",
            *["--clusters=all"][: bool(executor._submitted_job_clusters)],
        ]
        if subprocess.run(command, check=False).returncode:
            logger.error(f"Its jobs could not be cancelled. Try again: {shlex.join(command)}")
        else:
            logger.info("All jobs that this run has submitted are cancelled.")

    executor.cancel_jobs = cancel_jobs
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
