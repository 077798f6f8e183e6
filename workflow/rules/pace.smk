# How fast jobs are started: as fast as there is room for them.


def start_jobs_at_once():
    """Before the first job of a run: take away Snakemake's limit of 100 jobs a second, unless another one was asked for.

    With a limit, every round of Snakemake's scheduler leaves a timer behind that begins another round a second later,
    for as long as jobs wait, and every finished job adds one. After some hundreds of jobs these rounds take most of a
    processor. No machine or cluster starts a hundred of our jobs in a second.
    """
    limit = workflow.scheduler.job_rate_limiter
    if limit is not None and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None
