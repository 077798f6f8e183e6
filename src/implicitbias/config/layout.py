"""Where results lie. An address is what a file is, without folder and suffix: `tasks/<key>`, `studies/<study>`.

Points (tasks, runs, measurements, …) are shared by all configs; studies, figures and the report are those of one
config, and lie in a folder of its name, if it has one. Addresses may hold wildcards.
"""

ALL_RUNS = "all_runs"
"""Name of the table of all studies' runs, among the studies, and of its figure."""

LOSS_CURVES = "loss_curves"

OVERVIEWS = (ALL_RUNS, LOSS_CURVES)
"""Figures that are drawn from the table of all studies' runs."""

STATE = ".state"
"""Suffix of the file beside a training's dataset that the training goes on from if it was cut off."""

PICTURES = ("png", "pdf")
"""Figures are PNG for the report and PDF for papers."""


def root(name: str = "") -> str:
    """The folder of all results, or of those of one config."""
    return f"results/{name}" if name else "results"


def dataset(address: str, name: str = "") -> str:
    """A point, or a study of a config."""
    return f"{root(name)}/{address}.nc"


def picture(figure: str, suffix: str, name: str = "") -> str:
    """A figure, `<study>/<figure>`, of a config."""
    return f"{root(name)}/figures/{figure}.{suffix}"


def report_page(name: str = "") -> str:
    """The report of a config."""
    return f"{root(name)}/report.html"


def log_of(address: str, name: str = "") -> str:
    """The log of the job that makes something: a point, or a config's `studies/…`, `figures/…` or `report`."""
    return f"{root(name)}/logs/{address}.log"
