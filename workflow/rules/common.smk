# Between config and rules: the validated config, its plan of jobs, and how the rules look things up in it.

import os
import sys
from pathlib import Path

from implicitbias.codes import Codes
from implicitbias.config.layout import (
    ALL_RUNS,
    OVERVIEWS,
    PICTURES,
    dataset,
    log_of,
    picture,
    report_page,
)
from implicitbias.config.compose import compose
from implicitbias.config.load import retyped, validate
from implicitbias.config.plan import make_plan
from implicitbias.errors import ConfigError, nearest

# A module of another workflow is handed its config. Else it is composed of the config files and of --config, for what
# Snakemake merges no longer says which file includes what; and inside a value of --config Snakemake leaves all as text.
try:
    if workflow.modifier.skip_configfile:
        CONFIG = validate(config)
    else:
        given = retyped(workflow.config_settings.config)
        CONFIG = validate(compose(workflow.configfiles, given, "--config"))
    PLAN = make_plan(CONFIG)
except ConfigError as error:
    raise SystemExit(f"The config cannot be run, and no job was started.\n{error}")
# Scripts read these: execution with all defaults, and the runs that are to hold weights though the config keeps none.
config["execution"] = CONFIG.execution.model_dump()
config["with_weights"] = sorted(PLAN.with_weights)

NAME = CONFIG.name
REPORT = report_page(NAME)
RUNS = dataset(f"studies/{ALL_RUNS}", NAME)
OVERVIEW_PAGES = [picture(figure, "png", NAME) for figure in OVERVIEWS]
RAW = "data/raw"
ENVIRONMENT = "../envs/implicitbias.yaml"


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


# Every rule's `code` is the fingerprint of all that its file depends on but a point's settings, which are its name.
# Scripts lie beside this file, whoever includes it: another workflow, as a module from a repository, too.
CODES = Codes(
    CONFIG,
    PLAN,
    lambda name: Path(workflow.source_path(f"../scripts/{name}.py")),
)


def params(stage):
    """Parameters of a stage's rule: what the job computes, and the fingerprint of its code."""
    return {
        "settings": lambda wildcards: job_of(stage, wildcards).parameters,
        "code": lambda wildcards: CODES.point(
            f"{stage}/{job_of(stage, wildcards).key}"
        ),
    }


def resources(stage, gpu=False):
    """Resources of a stage's rule: by the job's size, at every further attempt twice as much, up to the limits."""

    def asked(wildcards, attempt):
        return job_of(stage, wildcards).request.again(attempt, CONFIG.execution)

    found = {
        "mem_mb": lambda wildcards, attempt: asked(wildcards, attempt).memory_mb,
        "runtime": lambda wildcards, attempt: asked(wildcards, attempt).minutes,
        "in_group": 1,
    }
    return found | (
        {"gpu": lambda wildcards, attempt: asked(wildcards, attempt).gpus}
        if gpu
        else {}
    )


def priority(address):
    """Priority function of a rule: the studies come in the config's order, each up to its figures."""
    return lambda wildcards: PLAN.priority(address.format(**dict(wildcards.items())))


SHORT = 5  # minutes


def grouped(stage):
    """Group function of a stage's rule: jobs of seconds share a place in a cluster's queue, longer ones do not."""
    return lambda wildcards: (
        stage if job_of(stage, wildcards).request.minutes <= SHORT else None
    )


def figure_files():
    """Every figure of every study."""
    return [
        file
        for address, product in PLAN.products.items()
        if address.startswith("figures/") and product.study
        for file in product.files
    ]


# Rules are marked for the cache between workflows only where there is one: else Snakemake warns of each at every call.
SHARED = bool(os.environ.get("SNAKEMAKE_OUTPUT_CACHE"))
