"""From studies and figures to report.html."""

import base64
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
import xarray as xr

from implicitbias import schema
from implicitbias.catalogue import CHECKS, FIGURES, METRICS, PUBLISHED
from implicitbias.report.answers import sentences
from implicitbias.report.divergence import divergence
from implicitbias.schema import mixture, parameters_of, versions
from implicitbias.studies.all_runs import judged
from implicitbias.studies.answers import estimator_gap
from implicitbias.studies.checks import run_check
from implicitbias.studies.published import compare

OUTCOMES = ("passed", "failed", "not run")


@dataclass(frozen=True)
class _Study:
    """What the template shows of a study."""

    name: str
    question: str
    method: str
    classes: str
    facts: list[tuple[str, str]]
    figures: list[dict[str, str]]
    checks: list[dict[str, str]]
    published: list[dict[str, Any]]
    sentences: list[str]
    notes: list[str]
    diverged: str
    provenance: list[tuple[str, str]]


def build(
    studies: Mapping[str, xr.Dataset],
    figures: Mapping[str, Mapping[str, Path]],
    *,
    runs: xr.Dataset | None,
    overviews: Mapping[str, Path],
    drawings: Mapping[str, Mapping[str, str]],
    checks: Mapping[str, Sequence[str]],
    published: Mapping[str, Sequence[str]],
    code: str = "unknown",
    config: str = "",
    missing: Mapping[str, str] | None = None,
) -> str:
    """The page, with every figure inside it: it opens offline and loads nothing.

    Args:
        studies: name -> dataset.
        figures: study -> figure -> PNG file.
        runs: from `studies.all_runs.gather`; None if the table could not be made.
        overviews: figure of all runs -> PNG file; empty if they could not be drawn.
        drawings: study -> figure -> its name in `catalogue.FIGURES`.
        checks: study -> names in `catalogue.CHECKS`.
        published: study -> names in `catalogue.PUBLISHED`.
        code: fingerprint of the code that makes it, kept in the page.
        config: digest of the config that this is the whole report of; empty for one that is not whole.
        missing: what could not be made, if anything -> why.

    """
    shown = [
        _study(
            name, dataset, figures.get(name, {}), drawings.get(name, {}), checks.get(name, ()), published.get(name, ())
        )
        for name, dataset in studies.items()
    ]
    counts = {
        outcome: sum(check["outcome"] == outcome for study in shown for check in study.checks) for outcome in OUTCOMES
    }
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    across = None
    if runs is not None and overviews:
        across = {"text": _across(runs), "figures": [_picture(name, name, path) for name, path in overviews.items()]}
    return environment.get_template("report.html.j2").render(
        studies=shown, counts=counts, across=across, code=code, config=config, missing=missing or {}
    )


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


def _picture(name: str, figure: str, path: Path) -> dict[str, str]:
    """What the template shows of a figure, by its name in the report and in the catalogue."""
    entry, data = FIGURES[figure], base64.b64encode(path.read_bytes()).decode()
    return {"name": name, "caption": entry.summary, "alt": entry.alt, "data": data}


def _across(runs: xr.Dataset) -> str:
    """What the table of all runs says in words."""
    networks, kinds = runs.sizes["run"], len(np.unique(runs["task"].values))
    text = f"{networks:,} trained networks on {kinds} kinds of tasks."
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


def _study(
    name: str, dataset: xr.Dataset, figures: Mapping[str, Path], drawings: Mapping[str, str], checks: Sequence[str],
    published: Sequence[str],
) -> _Study:  # fmt: skip
    images = [_picture(figure, drawings.get(figure, figure), path) for figure, path in figures.items()]
    verdicts = []
    for check in checks:
        verdict = run_check(check, dataset)
        verdicts.append(
            {"statement": CHECKS[check].description, "outcome": verdict.outcome, "numbers": verdict.numbers}
        )
    tables = []
    for table in published:
        for own, compared in compare(dataset, table).groupby("own"):
            met = compared.dropna(subset=["ours"])
            tables.append(
                {
                    "title": PUBLISHED[table].summary,
                    "own": own,
                    "rows": [{key: _cell(value) for key, value in row.items()} for row in met.to_dict("records")],
                    "source": "; ".join(compared["source"].unique()),
                    "elsewhere": len(compared) - len(met),
                }
            )
    return _Study(
        name=name,
        question=dataset.attrs.get("question", ""),
        method=dataset.attrs.get("method", ""),
        classes=dataset.attrs.get("classes", ""),
        facts=_facts(dataset),
        figures=images,
        checks=verdicts,
        published=tables,
        sentences=sentences(dataset, {*drawings.values()}),
        notes=_notes(dataset),
        diverged=divergence(dataset),
        provenance=[
            (key.replace("_", " "), str(dataset.attrs[key]))
            for key in ("package_version", *versions(), "device", "code")
            if key in dataset.attrs
        ],
    )


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.4g}"  # complexities of hundreds of nats are known to hundredths
    return str(value)


def _facts(dataset: xr.Dataset) -> list[tuple[str, str]]:
    """The grid: axes with their values, then the scalars of task and network."""
    stored = parameters_of(dataset)
    facts = []
    for block in ("task", "network", "training", "sampling", "nngp", "experiment"):
        for key, value in (stored.get(block) or {}).items():
            if value is not None:
                facts.append((f"{block}.{key}", ", ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return facts


def _notes(dataset: xr.Dataset) -> list[str]:
    """What stands out in a study's numbers, for its section."""
    mixed = mixture(dataset)
    notes = [mixed] if mixed else []
    if reasons := _unanswered(dataset):
        notes.append(
            f"On {reasons.total()} draws of points of the study's grid the infinitely wide network has no answer to"
            f" some question, which is NaN there. The most frequent reason: {reasons.most_common(1)[0][0]}."
        )
    gap = estimator_gap(dataset)
    if gap is None:
        return notes
    return [
        *notes,
        f"On labels with structure, at n = {gap.train_size}, the published estimator of the complexity lies"
        f" {gap.smallest:+.3g} to {gap.largest:+.3g} nats from the true one, which is known to a standard error of"
        f" {gap.stderr:.1g} nats at most; its effective sample size is {gap.effective:.2g}. It is unbiased for the"
        " probability, so its complexity errs upwards on average, and bounds made from it are loose rather than wrong.",
    ]


def _unanswered(dataset: xr.Dataset) -> Counter[str]:
    """Why numbers of infinite width are NaN, and on how many draws of points."""
    reasons = dataset["unanswered"].values.ravel().tolist() if "unanswered" in dataset else []
    return Counter(reason for reason in reasons if reason)
