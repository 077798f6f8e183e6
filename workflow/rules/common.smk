# Between config and rules: the validated config, its plan of jobs, and how the rules look things up in it.

import os
import sys
from functools import lru_cache

from implicitbias.catalogue import CHECKS, FIGURES, METRICS, PUBLISHED
from implicitbias.config.layout import (
    ALL_RUNS,
    PICTURES,
    dataset,
    log_of,
    picture,
    report_page,
)
from implicitbias.config.load import retyped, validate
from implicitbias.config.plan import identity, make_plan
from implicitbias.errors import ConfigError, nearest
from implicitbias.fingerprint import fingerprint

# Inside a value of --config Snakemake leaves all as text.
config.update(retyped(config, workflow.config_settings.config))
try:
    CONFIG = validate(config, workflow.configfiles)
    PLAN = make_plan(CONFIG)
except ConfigError as error:
    raise SystemExit(f"The config cannot be run, and no job was started.\n{error}")
# Scripts read these: execution with all defaults, and the runs that are to hold weights though the config keeps none.
config["execution"] = CONFIG.execution.model_dump()
config["with_weights"] = sorted(PLAN.with_weights)

NAME = CONFIG.name
REPORT = report_page(NAME)
RUNS = dataset(f"studies/{ALL_RUNS}", NAME)
RAW = "data/raw"


wildcard_constraints:
    key="[^/]+",
    study=f"(?!{ALL_RUNS}(?![A-Za-z0-9_-]))[A-Za-z0-9_-]+",
    figure="[A-Za-z0-9_-]+",


def files(stage):
    """All files of a stage."""
    return [dataset(f"{stage}/{key}") for key in PLAN.jobs[stage]]


def known(table, key, what):
    """The entry of a table that a target's name asks for, or one clear error."""
    if key not in table:
        raise WorkflowError(
            f"{what} {key!r} is not part of this config{nearest(key, table)}; `make plan` shows what is"
        )
    return table[key]


def job_of(stage, wildcards):
    """The job that makes a file of a stage."""
    return known(PLAN.jobs[stage], wildcards.key, f"results/{stage}:")


def study_of(name):
    """The plan of a study."""
    return known(PLAN.studies, name, "study")


def figure_of(study, name):
    """The settings of a study's figure."""
    return known(study_of(study).figures, name, f"study {study}: figure")


def inputs(stage):
    """Input function of a stage's rule: the named files that the job's row of the plan asks for."""

    def find(wildcards):
        job = job_of(stage, wildcards)
        return {name: dataset(address) for name, address in job.inputs.items()}

    return find


def settings(stage):
    """Parameter function of a stage's rule: what the job computes."""
    return lambda wildcards: job_of(stage, wildcards).parameters


SCRIPTS = {
    "tasks": "build_task",
    "training": "train",
    "sampling": "sample",
    "measurements": "measure",
    "nngp": "evaluate_nngp",
    "experiments": "run_experiment",
}


# beside this file, whoever includes it, as a module too
HERE = Path(workflow.current_basedir.get_path_or_uri(secret_free=True))


def script_of(name):
    return str(HERE.parent / "scripts" / f"{name}.py")


@lru_cache(maxsize=None)
def code_of(address):
    """Fingerprint of the code that makes the file `stage/key`, its upstream included."""
    stage, _ = address.split("/")
    job = PLAN.job(address)
    upstream = tuple(code_of(parent) for parent in job.inputs.values())
    return fingerprint(
        job.functions, job.entries, [script_of(SCRIPTS[stage])], upstream
    )


def code(stage):
    """Parameter function of a stage's rule: the fingerprint."""
    return lambda wildcards: code_of(f"{stage}/{job_of(stage, wildcards).key}")


def requested(stage, wildcards, attempt):
    """What a job asks for: by its size, and twice as much at every further attempt, up to the limits."""
    return job_of(stage, wildcards).request.again(attempt, CONFIG.execution)


def mem_mb(stage):
    """Memory of a job in MB."""
    return lambda wildcards, attempt: requested(stage, wildcards, attempt).memory_mb


def runtime(stage):
    """Time limit of a job in minutes."""
    return lambda wildcards, attempt: requested(stage, wildcards, attempt).minutes


def gpus(stage):
    """Number of GPUs of a job."""
    return lambda wildcards, attempt: requested(stage, wildcards, attempt).gpus


SHORT = 5  # minutes


def grouped(stage):
    """Group function of a stage's rule: jobs of seconds share a place in a cluster's queue, longer ones do not."""
    return lambda wildcards: (
        stage if job_of(stage, wildcards).request.minutes <= SHORT else None
    )


def study_settings(name):
    """What the study's dataset is put together from."""
    plan, study = study_of(name), CONFIG.studies[name]
    return {
        "pieces": [
            {"coords": piece.coords, "prefix": piece.prefix} for piece in plan.pieces
        ],
        "axes": plan.axes,
        "fixed": plan.fixed,
        "labels": plan.labels,
        "title": f"study {name}",
        "question": study.question,
        "method": study.method,
        "classes": plan.classes,
        "parameters": study.model_dump(
            exclude={"figures", "checks", "published", "question", "method"}
        ),
    }


@lru_cache(maxsize=None)
def study_code(name):
    pieces = [code_of(piece.path) for piece in study_of(name).pieces]
    return fingerprint(
        ["implicitbias.studies.assemble:assemble"],
        (),
        [script_of("assemble_study")],
        pieces,
    )


def runs_code():
    measured = sorted(
        {name for study in CONFIG.studies.values() for name in study.metrics or []}
    )
    return fingerprint(
        ["implicitbias.studies.all_runs:gather"],
        [METRICS[name] for name in measured],
        [script_of("gather_runs")],
        [study_code(study) for study in PLAN.studies],
    )


def overview_code():
    return fingerprint(
        ["implicitbias.figures.draw:draw"],
        [FIGURES[ALL_RUNS]],
        [script_of("draw_figure")],
        [runs_code()],
    )


def figure_code(study, figure):
    entry = FIGURES[figure_of(study, figure)["figure"]]
    return fingerprint(
        ["implicitbias.figures.draw:draw"],
        [entry],
        [script_of("draw_figure")],
        [study_code(study)],
    )


def figure_files():
    """Every figure of every study."""
    return [
        picture(f"{study}/{figure}", suffix, NAME)
        for study, plan in PLAN.studies.items()
        for figure in plan.figures
        for suffix in PICTURES
    ]


def report_settings():
    return {
        "drawings": {
            name: {
                figure: settings["figure"] for figure, settings in plan.figures.items()
            }
            for name, plan in PLAN.studies.items()
        },
        "checks": {name: study.checks for name, study in CONFIG.studies.items()},
        "published": {name: study.published for name, study in CONFIG.studies.items()},
        "config": identity(CONFIG),
    }


def report_code():
    entries = [
        CHECKS[name] for study in CONFIG.studies.values() for name in study.checks
    ]
    entries += [
        PUBLISHED[name] for study in CONFIG.studies.values() for name in study.published
    ]
    figures = [
        figure_code(study, figure)
        for study, plan in PLAN.studies.items()
        for figure in plan.figures
    ]
    studies = [study_code(study) for study in PLAN.studies]
    return fingerprint(
        ["implicitbias.report.build:write"],
        entries,
        [script_of("write_report")],
        [*figures, *studies, overview_code()],
    )


# Rules are marked for the cache between workflows only where there is one: else Snakemake warns of each at every call.
SHARED = bool(os.environ.get("SNAKEMAKE_OUTPUT_CACHE"))
