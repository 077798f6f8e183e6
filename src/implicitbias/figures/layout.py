"""What stands around the panels of a figure: the legend above, the note below."""

from collections.abc import Sequence
from math import ceil

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.figure import Figure

_COLUMNS = 6  # entries of a legend side by side, at most
_GAP = 0.08  # inches


def legends_above(grid: sns.FacetGrid, titles: Sequence[str]) -> None:
    """A legend for each kind of line that is told apart, one above the other, instead of seaborn's single one.

    Args:
        grid: with a legend.
        titles: of the kinds, as seaborn's legend has them (it is without titles if there is one kind).
    """
    handles = grid.legend.legend_handles
    entries = [(handle, text.get_text()) for handle, text in zip(handles, grid.legend.texts, strict=True)]
    grid.legend.remove()
    groups: dict[str, list[tuple[object, str]]] = {title: [] for title in titles}
    current = titles[0]
    for handle, text in entries:
        if text in groups and len(titles) > 1:
            current = text
        else:
            groups[current].append((handle, text))
    bottom = 1.0
    for title, group in reversed([(title, group) for title, group in groups.items() if group]):
        for rows in range(ceil(len(group) / _COLUMNS), len(group) + 1):
            legend = grid.figure.legend(
                *zip(*group, strict=True), title=title, loc="lower center", bbox_to_anchor=(0.5, bottom),
                ncol=ceil(len(group) / rows), frameon=False,
            )  # fmt: skip
            size = legend.get_window_extent()
            if size.width <= grid.figure.bbox.width or rows == len(group):
                break
            legend.remove()
        bottom += size.height / grid.figure.bbox.height


def nothing(reason: str) -> Figure:
    """A panel that says why there is nothing to show: every network has diverged, say."""
    figure, axis = plt.subplots(figsize=(6.4, 3.1), layout="constrained")
    axis.set(xticks=[], yticks=[])
    axis.text(0.5, 0.5, f"nothing to show:\n{reason}", ha="center", va="center", color="0.4")
    return figure


def note_below(figure: Figure, note: str) -> None:
    """A line of small text below everything else."""
    figure.draw_without_rendering()
    lowest = figure.get_tightbbox().y0 - _GAP
    figure.suptitle(note, y=lowest / figure.get_figheight(), va="top", fontsize="small")


def fixed_with_note(figure: Figure, note: str) -> Figure:
    """The figure with its constrained layout as it is now, for which the note would be one thing more to place."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    note_below(figure, note)
    return figure
