"""Which layers have biases."""


def biased(bias: str, layer: int) -> bool:
    """Whether the layer of this number has biases, where `bias` is "none", "first" or "all"."""
    return bias == "all" or (bias == "first" and layer == 0)
