# Between config and rules: the validated config, its plan of jobs, and how the rules look things up in it.

import os
import sys
from pathlib import Path

from implicitbias.codes import Codes
from implicitbias.config.layout import (
    ALL_RUNS,
    PICTURES,
    dataset,
    log_of,
    picture,
    report_page,
)
from implicitbias.config.load import validate
from implicitbias.config.plan import make_plan
from implicitbias.errors import ConfigError

try:
    CONFIG = validate(config, workflow.configfiles)
except ConfigError as error:
    raise SystemExit(f"The config cannot be run, and no job was started.\n{error}")
PLAN = make_plan(CONFIG)
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


def inputs(stage):
    """Input function of a stage's rule: the named files that the job's row of the plan asks for."""

    def find(wildcards):
        job = PLAN.jobs[stage][wildcards.key]
        return {name: dataset(address) for name, address in job.inputs.items()}

    return find


def settings(stage):
    """Parameter function of a stage's rule: what the job computes."""
    return lambda wildcards: PLAN.jobs[stage][wildcards.key].parameters


# Every rule's `code` is the fingerprint of all that its file depends on but a point's settings, which are its name.
CODES = Codes(CONFIG, PLAN, Path(workflow.basedir) / "workflow" / "scripts")


def code(stage):
    """Parameter function of a stage's rule: the fingerprint."""
    return lambda wildcards: CODES.point(f"{stage}/{wildcards.key}")


def mem_mb(stage):
    """Memory of a job in MB: by its size, and doubled at every further attempt."""
    return lambda wildcards, attempt: PLAN.jobs[stage][
        wildcards.key
    ].size.memory_mb * 2 ** (attempt - 1)


def runtime(stage):
    """Time limit of a job in minutes: by its size, and doubled at every further attempt."""
    return lambda wildcards, attempt: PLAN.jobs[stage][
        wildcards.key
    ].size.minutes * 2 ** (attempt - 1)


def figure_files():
    """Every figure of every study."""
    return [
        picture(f"{study}/{figure}", suffix, NAME)
        for study, plan in PLAN.studies.items()
        for figure in plan.figures
        for suffix in PICTURES
    ]


# Only a config that insists on CUDA asks the scheduler for a GPU.
GPUS = int(CONFIG.execution.device == "cuda")

# Rules are marked for the cache between workflows only where there is one: else Snakemake warns of each at every call.
SHARED = bool(os.environ.get("SNAKEMAKE_OUTPUT_CACHE"))
