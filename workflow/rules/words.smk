# What jobs are called on the terminal: in plain words, with the studies that they are for.

from implicitbias.codes import SCRIPTS
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
STAGE_OF = {script: stage for stage, script in SCRIPTS.items()}


def called(rule, wildcards):
    """A job in words: `training mlp-d2-…, of decomposition and 2 other studies`."""
    of = wildcards.get("study", "")
    if "key" in wildcards:
        first, *others = PLAN.studies_of[f"{STAGE_OF[rule]}/{wildcards['key']}"]
        more = len(others)
        of = f"{first}{f' and {more} other' if more else ''}{' studies' if more > 1 else ' study' if more else ''}"
    thing = wildcards.get("key") or wildcards.get("figure") or ""
    words = [WORDS.get(rule, rule), thing, *(["of", of] if thing and of else [of])]
    return " ".join(filter(None, words))


NAMES.call(
    called,
    targets=lambda: {rule.name for rule in workflow.rules if not rule.output},
    summary="assemble_study",
)
