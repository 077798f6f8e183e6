"""Pages of the reference that are written from the catalogue and the default config whenever the site is built."""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from implicitbias.catalogue import CHECKS, FIGURES, METRICS, PUBLISHED
from implicitbias.config.load import config_of
from implicitbias.config.models import Study

ROOT = Path(__file__).parents[1]


def metrics() -> str:
    """Every metric: its name, what it is, whose it is, and the function that computes it."""
    lines = [
        "# Metrics",
        "",
        "A study asks for any of them by name (`metrics: [train_error, margin_l2]`); parameters and limits are in the",
        "[reference of the config](config.md#metrics). Shapes and formulae stand with the functions.",
        "",
        "| name | what it is | source | function |",
        "| --- | --- | --- | --- |",
    ]
    for name, metric in METRICS.items():
        where = metric.function.replace(":", ".")
        link = f"{{py:func}}`{where.rsplit('.', 1)[1]} <{where}>`"
        lines.append(f"| `{name}` | {_cell(metric.summary)} | {_cell(metric.source)} | {link} |")
    return "\n".join(lines) + "\n"


def studies() -> str:
    """Every study of the default run, by theme: its question, method, figures, predictions and published tables."""
    config = ROOT / "config/config.yaml"
    held = config_of(config).studies
    lines = [
        "# Studies",
        "",
        "The default run holds these studies; to copy one, look for its name in `config/studies/`.",
        "",
    ]
    by_theme = sorted(held.items(), key=lambda item: item[1].theme)
    for theme, group in groupby(by_theme, key=lambda item: item[1].theme):
        lines += [f"## {theme.capitalize() or 'Others'}", ""]
        for name, study in group:
            lines += _study(name, study)
    return "\n".join(lines)


def _study(name: str, study: Study) -> list[str]:
    return [
        f"### {name}",
        "",
        *([f"**{study.question.strip()}**", ""] if study.question else []),
        *([study.method.strip(), ""] if study.method else []),
        *([f"After {'; '.join(study.papers)}.", ""] if study.papers else []),
        *_listed("Predictions that are tested", (CHECKS[check].description for check in study.checks)),
        *_listed("Figures", dict.fromkeys(FIGURES[each.figure or key].summary for key, each in study.figures.items())),
        *_listed("Published values beside ours", (PUBLISHED[table].description for table in study.published)),
    ]


def _listed(title: str, texts: Iterable[str]) -> list[str]:
    items = [f"- {text}" for text in texts]
    return [f"{title}:", "", *items, ""] if items else []


def _cell(text: str) -> str:
    """Safe inside a table of Markdown."""
    return text.replace("|", "\\|").replace("\n", " ")


PAGES = {"metrics": metrics, "studies": studies}
