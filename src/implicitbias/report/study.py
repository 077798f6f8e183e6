"""What the report shows of a study."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import xarray as xr

from implicitbias.catalogue import CHECKS, METRICS, PUBLISHED
from implicitbias.figures.tables import label
from implicitbias.report.divergence import divergence
from implicitbias.report.values import Values, quantities, values
from implicitbias.schema import mixture, parameters_of, versions
from implicitbias.studies.answers import estimator_gap
from implicitbias.studies.checks import run_check
from implicitbias.studies.published import compare

OUTCOMES = ("passed", "failed", "not run")
"""Of a check."""


@dataclass(frozen=True)
class Study:
    """What the template shows of a study; of one whose jobs failed, only what the config says of it and why."""

    name: str
    theme: str = ""
    papers: Sequence[str] = ()
    question: str = ""
    missing: Mapping[str, str] = field(default_factory=dict)
    made: bool = False
    method: str = ""
    classes: str = ""
    facts: Sequence[tuple[str, str]] = ()
    figures: Sequence[Mapping[str, Any]] = ()
    checks: Sequence[Mapping[str, str]] = ()
    published: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()
    diverged: str = ""
    values: Sequence[Values] = ()
    meanings: Mapping[str, str] = field(default_factory=dict)
    csv: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """How many checks ended how."""
        ended = Counter(check["outcome"] for check in self.checks)
        return {outcome: ended[outcome] for outcome in OUTCOMES if ended[outcome]}

    @property
    def outcomes(self) -> list[str]:
        """What the filter knows it by: incomplete, or how its checks ended."""
        return [*(["incomplete"] if self.missing else []), *self.counts]


def of_dataset(
    name: str, dataset: xr.Dataset, figures: Mapping[str, Mapping[str, Any]], checks: Sequence[str],
    published: Sequence[str], **about: Any,
) -> Study:  # fmt: skip
    """A study from its dataset.

    Args:
        name: of the study.
        dataset: of the study.
        figures: name -> what the template shows of it.
        checks: names in `catalogue.CHECKS`.
        published: names in `catalogue.PUBLISHED`.
        **about: theme, papers, question and what is missing.
    """
    told, csv = values(dataset)
    about["question"] = dataset.attrs.get("question", "")
    return Study(
        name,
        **about,
        made=True,
        method=dataset.attrs.get("method", ""),
        classes=dataset.attrs.get("classes", ""),
        facts=[*_facts(dataset), *_provenance(dataset)],
        figures=[*figures.values()],
        checks=[_checked(check, dataset) for check in checks],
        published=[part for table in published for part in _compared(dataset, table)],
        notes=_notes(dataset),
        diverged=divergence(dataset),
        values=told,
        meanings={label(dataset, name): METRICS[name].summary for name in quantities(dataset) if name in METRICS},
        csv=csv,
    )


def _checked(check: str, dataset: xr.Dataset) -> dict[str, str]:
    verdict = run_check(check, dataset)
    return {"statement": CHECKS[check].description, "outcome": verdict.outcome, "numbers": verdict.numbers}


def _compared(dataset: xr.Dataset, table: str) -> list[dict[str, Any]]:
    """Reference values beside ours: those that were published, and those that this project computed before."""
    found = []
    for own, compared in compare(dataset, table).groupby("own"):
        met = compared.dropna(subset=["ours"])
        found.append(
            {
                "title": PUBLISHED[table].description.removesuffix("."),
                "own": own,
                "rows": [{key: _cell(value) for key, value in row.items()} for row in met.to_dict("records")],
                "source": "; ".join(compared["source"].unique()),
                "elsewhere": len(compared) - len(met),
            }
        )
    return found


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


def _provenance(dataset: xr.Dataset) -> list[tuple[str, str]]:
    keys = [key for key in ("package_version", *versions(), "device", "code") if key in dataset.attrs]
    return [(key.replace("_", " "), str(dataset.attrs[key])) for key in keys]


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
