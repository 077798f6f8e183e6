# After jobs failed: a report of what does not depend on them, which names what is missing and why.


def failures():
    """The jobs that failed in this run."""
    found = workflow.scheduler.failed  # of groups too
    return {job for one in found for job in getattr(one, "jobs", [one])}


def failure_of(job):
    """A failed job for the report: its rule, the reason, and its first log."""
    from implicitbias.logs import last_error

    log = str(job.log[0])
    unknown = "it was killed, perhaps because memory ran out, or ended before it could say why"
    return {"job": job.rule.name, "reason": last_error(log) or unknown, "log": log}


def why(job):
    """Why a job's files are missing: the errors of the jobs at or before it that failed, with the first log of each."""
    from snakemake_logger_plugin_laboratory.failures import advice

    before, found = [job], set()
    while before:
        job = before.pop()
        if job not in found:
            found.add(job)
            before += workflow.dag.job_dependencies(job)
    reasons = {}
    for failed in map(failure_of, sorted(failures() & found, key=str)):
        words = "{job} failed: {reason} (log: {log})".format(**failed)
        reasons.setdefault(failed["reason"], words)
    if not reasons:
        return "the run ended before it was its turn"
    more = [f"and {len(reasons) - 3} other errors"] if len(reasons) > 3 else []
    advised = sorted({advice(reason) for reason in reasons} - {""})
    return ". ".join(["; ".join([*list(reasons.values())[:3], *more]), *advised])


def report_what_there_is():
    """After jobs failed: the report of all that does not depend on them, which names what is missing and why.

    Files of an older plan do not count. The report is marked incomplete, so that the next run writes it anew.
    """
    dag = workflow.dag
    maker = {str(file): job for job in dag.jobs for file in job.output}
    page = maker.get(REPORT)
    if page is None or page in failures():
        return
    made = {file for file, job in maker.items() if dag.noneedrun_finished(job)}
    studies = {path: f"studies/{Path(path).stem}" for path in page.input.studies}
    figures = {
        path: f"figures/{Path(path).parent.name}/{Path(path).stem}"
        for path in page.input.figures
        if path.endswith(".png")
        and dataset(f"studies/{Path(path).parent.name}", NAME) in made
    }
    missing = {
        address: why(maker[path])
        for path, address in (studies | figures).items()
        if path not in made
    }
    across = {RUNS, *OVERVIEW_PAGES} <= made
    if not across:
        needed = set(studies) <= made
        missing[f"figures/{ALL_RUNS}"] = (
            why(maker[OVERVIEW_PAGES[0]]) if needed else "it needs every study"
        )
    try:
        from implicitbias.job import logged_to
        from implicitbias.report.build import write

        with logged_to(page.log[0]):
            workflow.persistence.started(page)
            write(
                REPORT,
                [path for path in page.input.studies if path in made],
                [path for path in page.input.figures if path in made],
                RUNS if across else None,
                OVERVIEW_PAGES if across else [],
                missing=missing,
                failed=[failure_of(job) for job in sorted(failures(), key=str)],
                **(CODES.report_settings() | {"config": ""}),
            )
    except (Exception, SystemExit) as error:
        told = error.__cause__ or error  # what ends a job leaves its words in the log
        print(f"No report could be made of what there is: {told}", file=sys.stderr)
        return
    print(f"A report of what there is, and of what is missing and why: {REPORT}")


onerror:
    if not workflow.scheduler._user_kill:
        report_what_there_is()
