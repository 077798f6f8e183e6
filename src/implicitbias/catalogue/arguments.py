"""What the arguments of metrics can be (see `measurement.measure.MAKERS`), and what it takes to have them."""

from collections.abc import Iterable

_OUTPUTS = (
    "train_outputs", "test_outputs", "train_labels", "test_labels", "train_inputs", "test_inputs", "train_margins",
    "test_margins", "train_targets", "train_random", "frobenius_norms", "train_losses", "layer_shapes", "degree",
    "label_scales", "loss", "loss_margins", "network", "training", "task", "run", "lead",
)  # fmt: skip
MADE_OF: dict[str, str] = {
    **dict.fromkeys(_OUTPUTS, "outputs"),
    **dict.fromkeys(("weights", "trained_weights"), "weights"),
    **dict.fromkeys(("margin_slopes", "input_slopes"), "slopes"),
    **dict.fromkeys(("tangents", "output_tangents", "loss_direction"), "tangents"),
    "local_volume": "directions",
}
"""Argument: what it is made of (see `entries.Metric`)."""
_ORDER = ("outputs", "weights", "slopes", "tangents", "directions")

OF_TRAINED = {name for name, kind in MADE_OF.items() if kind != "outputs"} | {
    "train_losses", "label_scales", "loss", "loss_margins", "training",
}  # fmt: skip
"""Arguments that trained runs have, and random networks have not."""


def made_of(arguments: Iterable[str]) -> str:
    """The largest of what these arguments are made of."""
    return max((MADE_OF.get(name, "outputs") for name in arguments), key=_ORDER.index, default="outputs")
