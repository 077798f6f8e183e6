"""A config run whole in one process, as the workflow's scripts do it: from its plan to its report."""

import time
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import xarray as xr

from implicitbias import schema
from implicitbias.config.jobs import STAGES
from implicitbias.config.layout import OVERVIEWS
from implicitbias.config.load import validate
from implicitbias.config.models import Config
from implicitbias.config.plan import Plan, make_plan
from implicitbias.experiments.run import run as run_experiment
from implicitbias.figures.draw import draw
from implicitbias.measurement.measure import measure
from implicitbias.nngp.evaluate import evaluate
from implicitbias.report.build import build as build_report
from implicitbias.sampling import sample
from implicitbias.studies.all_runs import gather
from implicitbias.studies.assemble import assemble
from implicitbias.tasks.build import build as build_task
from implicitbias.training.run import train

SECONDS: Counter[str] = Counter()
"""What each stage has taken."""


class LateError(Exception):
    """What failed after the config was accepted: the stage, and the error as its cause."""


def run_whole(values: Mapping[str, Any], folder: Path) -> str:
    """Every job, dataset, figure and check of a config, and the report's page, which is returned.

    Args:
        values: the config.
        folder: for pictures and datasets.

    Raises:
        ConfigError: if the config is refused.
        LateError: if anything fails once it has been accepted.
    """
    config = validate(values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with _stage("plan"):
            plan = make_plan(config)
        results = {f"{stage}/{key}": None for stage in STAGES for key in plan.jobs[stage]}
        return _page(config, plan, {address: _job(plan, address, results) for address in results}, folder)


def study_of(values: Mapping[str, Any], name: str = "s") -> xr.Dataset:
    """The dataset of one study of a config."""
    config = validate(values)
    plan = make_plan(config)
    results: dict[str, Any] = {f"{stage}/{key}": None for stage in STAGES for key in plan.jobs[stage]}
    for address in results:
        _job(plan, address, results)
    return _assembled(config, plan, name, results)


def _job(plan: Plan, address: str, results: dict[str, Any]) -> xr.Dataset:
    """The dataset of one job, whose inputs are there: stages stand in the order of their inputs."""
    stage, job = address.split("/")[0], plan.job(address)
    given = {name: results[other] for name, other in job.inputs.items()}
    with _stage(stage):
        results[address] = _checked(RUNNERS[stage](given, job.parameters))
    return results[address]


RUNNERS: dict[str, Any] = {
    "tasks": lambda given, settings: build_task(**settings, raw_dir=Path("data/raw")),
    "training": lambda given, settings: train(given["task"], **settings),
    "sampling": lambda given, settings: sample(given["task"], **settings),
    "measurements": lambda given, settings: measure(given["task"], given["run"], **settings),
    "nngp": lambda given, settings: evaluate(given["task"], **settings),
    "experiments": lambda given, settings: run_experiment(**settings, **given),
}
"""What the scripts of the stages do."""


def _page(config: Config, plan: Plan, results: Mapping[str, xr.Dataset], folder: Path) -> str:
    studies, pictures = {}, {}
    for name, planned in plan.studies.items():
        with _stage("assembly"):
            studies[name] = _kept(_assembled(config, plan, name, results), folder / f"{name}.nc")
        pictures[name] = {
            figure: _drawn(studies[name], settings, folder / f"{name}-{number}.png")
            for number, (figure, settings) in enumerate(planned.figures.items())
        }
    with _stage("all runs"):
        runs = _kept(gather(studies), folder / "all_runs.nc")
    some = "" if runs.sizes["run"] or runs.sizes["curve"] else "no_"  # those of no runs are always the same
    overviews = {figure: folder / f"{some}{figure}.png" for figure in OVERVIEWS}
    for figure, path in overviews.items():
        if not some or not path.exists():
            _drawn(runs, {"figure": figure}, path)
    with _stage("report"):
        return build_report(
            studies, pictures, runs=runs, overviews=overviews, about={name: {} for name in config.studies},
            drawings={name: planned.figures for name, planned in plan.studies.items()},
            checks={name: study.checks for name, study in config.studies.items()},
            published={name: study.published for name, study in config.studies.items()},
        )  # fmt: skip


def _assembled(config: Config, plan: Plan, name: str, results: Mapping[str, xr.Dataset]) -> xr.Dataset:
    study, planned = config.studies[name], plan.studies[name]
    elsewhere = {"theme", "papers", "figures", "checks", "published", "question", "method"}
    return assemble(
        [(piece.coords, piece.prefix, results[piece.path]) for piece in planned.pieces],
        axes=planned.axes, fixed=planned.fixed, labels=planned.labels, title=f"study {name}",
        question=study.question, method=study.method, classes=planned.classes,
        parameters=study.model_dump(exclude=elsewhere),
    )  # fmt: skip


def _drawn(dataset: xr.Dataset, settings: Mapping[str, Any], path: Path) -> Path:
    """The figure in a coarse picture."""
    with _stage(f"figure {settings['figure']}"):
        figure = draw(dataset, **settings)
        figure.savefig(path, dpi=20, bbox_inches="tight")
        plt.close("all")
    return path


def _kept(dataset: xr.Dataset, path: Path) -> xr.Dataset:
    """The dataset as it comes back from its file."""
    schema.save(dataset, path)
    return schema.load(path)


def _checked(dataset: xr.Dataset) -> xr.Dataset:
    assert not schema.violations(dataset)
    return dataset


@contextmanager
def _stage(name: str) -> Iterator[None]:
    start = time.process_time()
    try:
        yield
    except Exception as error:
        raise LateError(name) from error
    finally:
        SECONDS[name] += time.process_time() - start
