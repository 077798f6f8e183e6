"""A config's own results: its studies, figures and report, each made by a job from files of other addresses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from implicitbias.config.layout import ALL_RUNS, OVERVIEWS, PICTURES, dataset, picture, report_page

if TYPE_CHECKING:
    from implicitbias.config.plan import StudyPlan

REPORT = "report"
RUNS = f"studies/{ALL_RUNS}"
OVERVIEW = f"figures/{ALL_RUNS}"


@dataclass(frozen=True)
class Product:
    """What one job makes: its files, from what is at other addresses, for a study or for all of them."""

    files: tuple[str, ...]
    inputs: tuple[str, ...]
    study: str = ""


def products_of(studies: Mapping[str, "StudyPlan"], name: str) -> dict[str, Product]:
    """All products of a config by their addresses, in the order in which they are made.

    Args:
        studies: the plans of the config's studies.
        name: the config's own.
    """
    made = {}
    for study, plan in studies.items():
        address = f"studies/{study}"
        made[address] = Product((dataset(address, name),), tuple(piece.path for piece in plan.pieces), study)
        for figure in plan.figures:
            files = tuple(picture(f"{study}/{figure}", suffix, name) for suffix in PICTURES)
            made[f"figures/{study}/{figure}"] = Product(files, (address,), study)
    summaries = tuple(f"studies/{study}" for study in studies)
    files = tuple(picture(figure, suffix, name) for figure in OVERVIEWS for suffix in PICTURES)
    across = {RUNS: Product((dataset(RUNS, name),), summaries), OVERVIEW: Product(files, (RUNS,))}
    return {**made, **across, REPORT: Product((report_page(name),), (*made, *across))}
