"""Seeds for every purpose, derived from what a number means and never from where it stands in a batch.

A network's initial weights, its data order and its noise each get a seed of their own from the
coordinates of the network (task seed, member), so that member 3 of 8 equals its solo run and neither
the chunking of an ensemble nor the order of jobs can change a result.
"""

import hashlib
import json


def derive_seed(purpose: str, *keys: int | float | str) -> int:
    """A 63-bit seed that depends on the purpose and the keys alone.

    Args:
        purpose: what the randomness is for, e.g. ``"initialisation"``.
        *keys: coordinates of the object that uses it, e.g. task seed and member number.

    """
    text = json.dumps([purpose, *keys], separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1
