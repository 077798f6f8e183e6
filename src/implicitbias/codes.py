"""The code of every file of a plan: a fingerprint that its job has as a parameter, and that the file holds.

A point's settings are its name. Studies, figures and reports keep their names when their settings change, so that these
count in their codes: what code a file says it is of then tells whether it is what the config asks for.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from implicitbias.canonical import canonical_json
from implicitbias.catalogue import CHECKS, FIGURES, METRICS, PUBLISHED, Entry
from implicitbias.config.jobs import Job
from implicitbias.config.layout import ALL_RUNS, OVERVIEWS
from implicitbias.config.models import Config
from implicitbias.config.plan import Plan, identity
from implicitbias.config.products import OVERVIEW, REPORT, RUNS
from implicitbias.fingerprint import code_text, digest_of, fingerprint

SCRIPTS = {
    "tasks": "build_task",
    "training": "train",
    "sampling": "sample",
    "measurements": "measure",
    "nngp": "evaluate_nngp",
    "experiments": "run_experiment",
}


class Codes:
    """The codes of a config's files, each computed when it is first asked for, and the settings of its summaries."""

    def __init__(self, config: Config, plan: Plan, script: Callable[[str], Path]) -> None:
        self._config, self._plan, self._path = config, plan, script
        self.point, self.study = cache(self._point), cache(self._study)
        self._texts: dict[tuple[Any, ...], str] = {}

    def _code_text(self, job: Job, script: Sequence[Path]) -> str:
        """Of the code that a job runs; most jobs of a stage run the same."""
        # by identity, since entries hold tables: the plan keeps them alive, and takes them from the catalogue
        same = (job.functions, tuple(map(id, job.entries)), tuple(script))
        if same not in self._texts:
            self._texts[same] = code_text(job.functions, job.entries, script)
        return self._texts[same]

    def _script(self, name: str) -> list[Path]:
        return [self._path(name)]

    def _point(self, address: str) -> str:
        """Of the file `stage/key`, its upstream included."""
        job = self._plan.job(address)
        script = self._script(SCRIPTS[address.split("/")[0]])
        return digest_of(self._code_text(job, script), map(self.point, job.inputs.values()))

    def product(self, address: str, file: str) -> str:
        """Of a file of the config's own (`Plan.products`)."""
        stage, _, what = address.partition("/")
        if address == REPORT:
            return self.report()
        if address == RUNS:
            return self.runs()
        if stage == "studies":
            return self.study(what)
        return self.figure(*((ALL_RUNS, Path(file).stem) if address == OVERVIEW else what.split("/")))

    def study_settings(self, name: str) -> dict[str, Any]:
        """What a study's dataset is put together from."""
        plan, study = self._plan.studies[name], self._config.studies[name]
        of_report = {"theme", "papers", "figures", "checks", "published"}
        elsewhere = of_report | {"question", "method", "ensemble"}  # the last changes no number
        return {
            "pieces": [{"coords": piece.coords, "prefix": piece.prefix} for piece in plan.pieces],
            "axes": plan.axes,
            "fixed": plan.fixed,
            "labels": plan.labels,
            "title": f"study {name}",
            "question": study.question,
            "method": study.method,
            "classes": plan.classes,
            "parameters": study.model_dump(exclude=elsewhere),
        }

    def _study(self, name: str) -> str:
        paths = [piece.path for piece in self._plan.studies[name].pieces]
        upstream = [canonical_json(self.study_settings(name)), *paths, *map(self.point, paths)]
        return fingerprint(["implicitbias.studies.assemble:assemble"], (), self._script("assemble_study"), upstream)

    def _measured(self) -> list[str]:
        """All studies' metrics."""
        return sorted({name for study in self._config.studies.values() for name in study.metrics or []})

    def runs(self) -> str:
        """Of the table of all runs."""
        entries = [METRICS[name] for name in self._measured()]
        upstream = [f"{name}={self.study(name)}" for name in self._plan.studies]
        return fingerprint(["implicitbias.studies.all_runs:gather"], entries, self._script("gather_runs"), upstream)

    def figure_settings(self, study: str, figure: str) -> Mapping[str, Any]:
        """What a figure shows; of all runs where the study is the table of these."""
        return {"figure": figure} if study == ALL_RUNS else self._plan.studies[study].figures[figure]

    def figure(self, study: str, figure: str) -> str:
        """Of a figure of a study, or of the table of all runs."""
        settings = self.figure_settings(study, figure)
        upstream = [self.runs() if study == ALL_RUNS else self.study(study), canonical_json(settings)]
        entries = [FIGURES[settings["figure"]]]
        script = self._script("draw_all_runs" if study == ALL_RUNS else "draw_figure")
        return fingerprint(["implicitbias.figures.draw:draw"], entries, script, upstream)

    def report_settings(self) -> dict[str, Any]:
        """What the report shows of each study."""
        studies = self._config.studies.items()
        return {
            "about": {name: study.model_dump(include={"theme", "papers", "question"}) for name, study in studies},
            "drawings": {name: plan.figures for name, plan in self._plan.studies.items()},
            "checks": {name: study.checks for name, study in studies},
            "published": {name: study.published for name, study in studies},
            "config": identity(self._config),
        }

    def report(self) -> str:
        """Of the report, whose words count: those of metrics, checks, published tables and figures."""
        studies = self._config.studies.values()
        entries = [CHECKS[name] for study in studies for name in study.checks]
        entries += [PUBLISHED[name] for study in studies for name in study.published]
        drawn = [(study, figure) for study, plan in self._plan.studies.items() for figure in plan.figures]
        drawn += [(ALL_RUNS, figure) for figure in OVERVIEWS]
        shown: list[Entry] = [FIGURES[self.figure_settings(*names)["figure"]] for names in drawn]
        shown += [METRICS[name] for name in self._measured()]
        upstream = [*(self.figure(*names) for names in drawn), *map(self.study, self._plan.studies)]
        upstream.append(canonical_json(self.report_settings()))
        return fingerprint(
            ["implicitbias.report.build:write"], entries, self._script("write_report"), upstream, [*entries, *shown]
        )
