"""Whether a study has what its figures need, and what they are told to show."""

from typing import TYPE_CHECKING, Any

from implicitbias import catalogue
from implicitbias.config.blocks import problem
from implicitbias.config.dataset import Variables, dimensions
from implicitbias.errors import nearest

if TYPE_CHECKING:
    from implicitbias.config.models import FigureSettings, Study


def check_figures(study: "Study") -> None:
    """Every figure of the study can be drawn.

    Raises:
        PydanticCustomError: for the first one that cannot, with what it lacks, or with the setting and what is allowed.
    """
    axes, variables = study.axes(), study.variables()
    for name, settings in study.figures.items():
        figure = settings.figure or name
        if figure not in catalogue.FIGURES:
            raise problem(
                f"figures: there is no figure of the name {figure!r}{nearest(figure, catalogue.FIGURES)};"
                f" allowed: {', '.join(catalogue.FIGURES)}"
            )
        entry = catalogue.FIGURES[figure]
        missing = [need for need in entry.needs if need not in variables]
        missing += [axis for axis in entry.axes if axis not in dimensions(variables, entry.needs)]
        estimators = study.nngp.estimators if study.nngp else []
        missing += [f"estimator {known}" for known in entry.estimators if known not in estimators]
        missing += [
            f"{axis} {value}"
            for axis, values in entry.values.items()
            for value in values
            if axis in axes and value not in axes[axis]
        ]
        if missing:
            hint = nearest(missing[0], [*variables, *axes])
            raise problem(f"figure {name!r} needs {', '.join(missing)}, which this study does not have{hint}")
        for axis in entry.numbers:
            if words := _words(axes, axis):
                raise problem(f"figure {name!r}: {axis} has the value {words[0]!r}; allowed: numbers")
        _check_options(name, settings, entry)
        for axis, value in settings.select.items():
            if value not in axes.get(axis, []):
                allowed = axes.get(axis) or f"the axes {', '.join(axes) or 'none'}"
                raise problem(f"figure {name!r}: select {axis}: {value!r} is not in the grid; allowed: {allowed}")
            if axis in entry.axes:
                raise problem(f"figure {name!r}: select {axis}: this figure shows all values of {axis}; allowed: none")
        if entry.options:
            texts = catalogue.EXPERIMENTS[study.experiment.name].words if study.experiment else ()
            measured = {key: dims for key, dims in variables.items() if key not in texts}
            _check_quantities(name, settings, measured, axes)


def _check_options(name: str, settings: "FigureSettings", entry: catalogue.Figure) -> None:
    settable = {key for figure in catalogue.FIGURES.values() for key in figure.options}
    for key in sorted(settable - set(entry.options)):
        if getattr(settings, key) is not None:
            owners = [other for other, figure in catalogue.FIGURES.items() if key in figure.options]
            raise problem(f"figure {name!r} has no setting {key}; those with one: {', '.join(owners)}")
    if entry.options and len(settings.quantities or []) < entry.quantities:
        raise problem(f"figure {name!r} needs quantities: [...], {entry.quantities} or more of this study's variables")


def _check_quantities(name: str, settings: "FigureSettings", variables: Variables, axes: dict[str, Any]) -> None:
    """What is shown is measured, and told apart by dimensions that it has."""
    quantities = settings.quantities or []
    for quantity in quantities:
        if quantity not in variables:
            raise problem(
                f"figure {name!r}: quantity {quantity!r} is not measured here{nearest(quantity, variables)};"
                f" allowed: {', '.join(sorted(variables))}"
            )
    dims = dimensions(variables, quantities) - set(settings.select)
    for key in ("x", "hue", "style"):
        if (dim := getattr(settings, key)) is not None and dim not in dims:
            raise problem(
                f"figure {name!r}: {key}: {dim!r} is no dimension of {', '.join(quantities)}{nearest(dim, dims)};"
                f" allowed: {', '.join(sorted(dims)) or 'none, for there is one value'}"
            )
    if settings.x and settings.x in (settings.hue, settings.style):
        raise problem(
            f"figure {name!r}: {settings.x!r} is x, and told apart by colour or dashes too; allowed: another dimension"
        )
    words = _words(axes, settings.x or "")
    if "x" in (settings.log or []) and words:
        raise problem(
            f"figure {name!r}: log: x, but {settings.x} has the value {words[0]!r}; allowed: axes of numbers, or log: y"
        )


def _words(axes: dict[str, Any], axis: str) -> list[Any]:
    """The values of an axis that are no numbers."""
    return [value for value in axes.get(axis, []) if isinstance(value, str | bool)]
