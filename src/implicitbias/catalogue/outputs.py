"""What the last layer of a network is."""

from collections.abc import Mapping

from implicitbias.catalogue.entries import Entry
from implicitbias.catalogue.limits import SIGNS, Allowed, Range

_NETWORKS = "implicitbias.networks.stacked:initialise"
_HIDDEN_LAYER: Mapping[str, Allowed] = {"depth": Range(minimum=2)}  # else there is nothing to train
_BOTH_SIGNS: Mapping[str, Allowed] = {"width": Range(minimum=2)}

OUTPUTS: dict[str, Entry] = {
    "trained": Entry(_NETWORKS, "trained as all other layers"),
    "signs": Entry(_NETWORKS, "random +-1/sqrt(m), frozen", only=(_HIDDEN_LAYER,)),
    "halves": Entry(
        _NETWORKS,
        "of m neurons the first half 2/m, the others -2/m, frozen",
        only=({**_HIDDEN_LAYER, **_BOTH_SIGNS, **SIGNS},),
    ),
    "mean_field": Entry(_NETWORKS, "trained, with the network's output divided by m"),
    "random_features": Entry(
        _NETWORKS,
        "as mean_field, from 0, with all other layers frozen",
        only=({"stage": ("training",)},),  # random networks that are 0 fit nothing, and have no kernel
    ),
}
