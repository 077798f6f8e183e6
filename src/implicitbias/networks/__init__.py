"""Networks as values, and what follows from them: finite ensembles, kernels of infinite width, sizes, degrees."""

from implicitbias.networks.network import Network, network_of

__all__ = ["Network", "network_of"]
