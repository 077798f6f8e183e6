# What jobs are called on the terminal: in plain words, with the studies that they are for.

import functools

from snakemake_logger_plugin_laboratory.names import NAMES

WORDS = {
    "build_task": "task",
    "train": "training",
    "sample": "guess and check",
    "measure": "measurement",
    "evaluate_nngp": "infinite width",
    "run_experiment": "experiment",
    "assemble_study": "study",
    "gather_runs": "table of all runs",
    "draw_figure": "figure",
    "draw_all_runs": "figures of all runs",
    "write_report": "report",
}


@functools.cache
def studies_by_key():
    """The studies that every point is for, as a piece or on the way to one."""
    found = {}
    for study, plan in PLAN.studies.items():
        before = [piece.path for piece in plan.pieces]
        while before:
            address = before.pop()
            known = found.setdefault(address.split("/")[1], [])
            if study not in known:
                known.append(study)
                before += PLAN.job(address).inputs.values()
    return found


def called(rule, wildcards):
    """A job in words: `training mlp-d2-…, of decomposition and 2 other studies`."""
    of = wildcards.get("study", "")
    if "key" in wildcards:
        first, *others = studies_by_key()[wildcards["key"]]
        more = len(others)
        of = f"{first}{f' and {more} other' if more else ''}{' studies' if more > 1 else ' study' if more else ''}"
    thing = wildcards.get("key") or wildcards.get("figure") or ""
    words = [WORDS.get(rule, rule), thing, *(["of", of] if thing and of else [of])]
    return " ".join(filter(None, words))


NAMES.call(called, lambda: {rule.name for rule in workflow.rules if not rule.output})
