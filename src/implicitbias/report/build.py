"""From studies and figures to report.html."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import xarray as xr

from implicitbias import schema
from implicitbias.catalogue import METRICS
from implicitbias.config.layout import ALL_RUNS
from implicitbias.report.answers import TELL, label_rules, sentences, steps_table, unanswered
from implicitbias.report.pictures import picture
from implicitbias.report.study import OUTCOMES, Study, of_dataset
from implicitbias.studies.all_runs import judged


def build(
    studies: Mapping[str, xr.Dataset],
    figures: Mapping[str, Mapping[str, Path]],
    *,
    runs: xr.Dataset | None,
    overviews: Mapping[str, Path],
    about: Mapping[str, Mapping[str, Any]],
    drawings: Mapping[str, Mapping[str, Mapping[str, Any]]],
    checks: Mapping[str, Sequence[str]],
    published: Mapping[str, Sequence[str]],
    code: str = "unknown",
    config: str = "",
    missing: Mapping[str, str] | None = None,
    failed: Sequence[Mapping[str, str]] = (),
) -> str:
    """The page, with every figure inside it: it opens offline and loads nothing.

    Args:
        studies: name -> dataset.
        figures: study -> figure -> PNG file.
        runs: from `studies.all_runs.gather`; None if the table could not be made.
        overviews: figure of all runs -> PNG file; empty if they could not be drawn.
        about: study of the config -> theme, papers and question, also of studies that could not be made.
        drawings: study -> figure -> what it is drawn with; `figure` is its name in `catalogue.FIGURES`.
        checks: study -> names in `catalogue.CHECKS`.
        published: study -> names in `catalogue.PUBLISHED`.
        code: fingerprint of the code that makes it, kept in the page.
        config: digest of the config that this is the whole report of; empty for one that is not whole.
        missing: addresses of what could not be made (`studies/<study>`, `figures/<study>/<figure>`) -> why.
        failed: the jobs that failed: `job`, `reason` and `log` of each.

    """
    lost = missing or {}
    shown = []
    for name in about:
        told = {**about[name], "missing": _missing(lost, name)}
        if name in studies:
            images = {
                figure: picture(figure, path, drawings[name][figure], studies[name])
                for figure, path in figures.get(name, {}).items()
            }
            shown.append(of_dataset(name, studies[name], images, checks.get(name, ()), published.get(name, ()), **told))
        else:
            shown.append(Study(name, **told))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    across = None
    if runs is not None and overviews:
        empty = not judged(runs).sizes["metric"] and "gibbs_error" not in runs  # nothing to correlate or to compare
        pictures = [
            picture(name, path, {"figure": name}, runs)
            for name, path in overviews.items()
            if not (empty and name == "all_runs")
        ]
        across = {"text": _across(runs), "figures": pictures}
    return environment.get_template("report.html.j2").render(
        answer=_answer(studies, shown, drawings), across=across, missing=lost, failed=failed, themes=_themes(shown),
        ended={outcome: _ended(shown, outcome) for outcome in OUTCOMES}, words=_words, code=code, config=config,
        papers=sorted({paper for study in shown for paper in study.papers}),
    )  # fmt: skip


def write(
    path: str | Path,
    studies: Iterable[str],
    figures: Iterable[str],
    runs: str | None,
    overviews: Iterable[str],
    **more: Any,
) -> None:
    """Write the page from files: datasets `<study>.nc`, pictures `<study>/<figure>.png`, and those of all runs."""
    datasets = {Path(study).stem: schema.load(study) for study in studies}
    images = [Path(figure) for figure in figures if figure.endswith(".png")]
    drawn = {name: {image.stem: image for image in images if image.parent.name == name} for name in datasets}
    table = schema.load(runs) if runs else None
    across = {Path(overview).stem: Path(overview) for overview in overviews}
    Path(path).write_text(build(datasets, drawn, runs=table, overviews=across, **more), encoding="utf-8")


def _answer(
    studies: Mapping[str, xr.Dataset], shown: Sequence[Study], drawings: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> dict[str, Any]:
    """The first screen: sentences, the figure and the table of the study that is decomposed, and what is not told.

    Where no study draws what could answer, it has the questions that the studies ask instead.
    """
    drawn = {name: {settings["figure"] for settings in figures.values()} for name, figures in drawings.items()}
    asked = any(figures & {*TELL} for figures in drawn.values())
    told: dict[str, list[Any]] = {}
    for kind in TELL:  # the first study that tells it
        for name, dataset in studies.items():
            if kind in drawn.get(name, ()) and (said := sentences(dataset, [kind])):
                told[name] = [*told.get(name, []), *said]
                break
    rows = next(((name, table) for name in told if (table := steps_table(studies[name]))), ("", []))
    figure = next((f for study in shown if study.name == rows[0] for f in study.figures if f["drawn"] in TELL), None)
    return {
        "told": told, "study": rows[0], "rows": rows[1], "labels": label_rules(rows[1]),
        "figure": figure,
        "unanswered": unanswered(drawn, told, studies) if asked else [],
        "questions": {} if asked else {study.name: study.question for study in shown},
    }  # fmt: skip


def _ended(shown: Sequence[Study], outcome: str) -> list[tuple[str, Mapping[str, str]]]:
    """The checks of this outcome, each with its study."""
    return [(study.name, check) for study in shown for check in study.checks if check["outcome"] == outcome]


def _themes(shown: Sequence[Study]) -> dict[str, list[Study]]:
    """The studies by theme, in the config's order."""
    themes: dict[str, list[Study]] = {}
    for study in shown:
        themes.setdefault(study.theme, []).append(study)
    return themes


def _missing(lost: Mapping[str, str], name: str) -> dict[str, str]:
    """What a study lacks: its own address or those of its figures, and why."""
    return {
        address: why
        for address, why in lost.items()
        if address == f"studies/{name}" or address.startswith(f"figures/{name}/")
    }


def _words(address: str) -> str:
    """What an address is called on the page."""
    kind, _, name = address.partition("/")
    if name == ALL_RUNS:
        return "all studies together"
    study, _, figure = name.partition("/")
    return f"figure {figure} of study {study}" if kind == "figures" else f"study {study}"


def _across(runs: xr.Dataset) -> str:
    """What the table of all runs says in words."""
    networks, tasks = runs.sizes["run"], len(np.unique(runs["task"].values))
    text = f"{networks:,} trained networks on {tasks} task{'s' * (tasks > 1)}, each with all its draws of points."
    known = judged(runs)
    if not known.sizes["metric"]:
        return text
    sure = known.isel(metric=((known["within_low"] > 0) | (known["within_high"] < 0)).values)
    order = np.argsort(-np.abs(sure["within"].values))
    named = "; ".join(_correlation(sure.isel(metric=position)) for position in order)
    return (
        f"{text} Of {known.sizes['metric']} metrics {sure.sizes['metric']} go with the test error among networks of one"
        " task and architecture: the 95 % interval of their rank correlation does not hold"
        f" 0{': ' if named else ''}{named}. This is uncorrected for their number. Intervals leave out one draw of"
        " training points after another, with all networks trained on it: they speak of other draws from these sources,"
        " not of other sources."
    )


def _correlation(metric: xr.Dataset) -> str:
    value, low, high = (f"{float(metric[key]):+.2f}" for key in ("within", "within_low", "within_high"))
    name = METRICS[str(metric["metric"].item())].long_name
    return f"{name} {value} ({low} to {high}, {int(metric['within_groups'])} groups)"
