"""What a run is about to hand to SLURM, judged before it does; and all of it taken back when the run is stopped.

SLURM's executor does the rest. Its own functions tell here which partition it will choose and what it will write.
"""

import re
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterable
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
    if found := problems([request(job, executor) for job in jobs], granted) or refusals(jobs, executor):
        raise SystemExit("\n".join(["The cluster would not run this, and no job was submitted.", *found]))
    notices = forgetful(granted, executor.get_status_command())
    if again := problems([request(job, executor, job.restart_times + 1) for job in jobs], granted):
        notices += ["A job that fails asks for more when it is tried again, and would then wait in the queue:", *again]
    if notices:
        logger.warning("\n".join(notices))


def submitted(dag: Any) -> list[Any]:
    """Jobs and groups of jobs that SLURM will see, each once."""
    return [job for job in {dag.get_job_group(job) or job: None for job in dag.needrun_jobs()} if not job.is_local]


def request(job: Any, executor: Any, attempt: int = 1) -> Request:
    """What a job asks for at an attempt."""
    first, job.attempt = job.attempt, attempt
    asked = job.resources
    amounts = {
        "cpus": max(asked.get("cpus_per_task") or job.threads, 1),
        "mem_mb": asked.get("mem_mb") or 0,
        "gpu": int(asked.get("gpu") or 0),
        **cluster.gres_in(asked.get("gres") or ""),
    }
    found = Request(
        name=job.groupid if job.is_group() else job.rule.name,
        partition=shlex.split(f"{executor.get_partition_arg(job)} ''")[1],
        minutes=asked.get("runtime") or 0,
        node={key: amount for key, amount in amounts.items() if amount},
        account=re.split(r"[,\s]+", str(asked.get("slurm_account") or ""))[0],
        qos=str(executor.workflow.executor_settings.qos or asked.get("qos") or ""),
        group=job.is_group(),
    )
    job.attempt = first
    return found


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
        subprocess.run(["scancel", f"--name={executor.run_uuid}"], check=False)
        # a daemon that may sleep for three minutes yet, before it looks at the queue again
        executor.wait_thread.join = lambda: None
        logger.info("All jobs that this run has submitted are cancelled.")

    executor.cancel_jobs = cancel_jobs
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
