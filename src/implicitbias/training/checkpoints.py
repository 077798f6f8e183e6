"""Which optimizer steps are kept."""

from collections.abc import Sequence

import numpy as np

from implicitbias.errors import ConfigError

_PER_DECADE = 4


def checkpoint_steps(rule: str | Sequence[int], total: int) -> list[int]:
    """The steps after which weights and outputs are kept, rising; step 0 is the initial network.

    Args:
        rule: "final" (the last step), "log" (0, about four steps a decade, and the last), or a list of steps.
        total: number of optimizer steps of the run.

    Raises:
        ConfigError: for another word, no step, or a step that is not in the run.
    """
    if rule == "final":
        return [total]
    if rule == "log":
        spaced = np.rint(np.geomspace(1, max(total, 1), 1 + int(np.ceil(_PER_DECADE * np.log10(max(total, 2))))))
        return sorted({0, total, *spaced.astype(int).tolist()})
    steps = [] if isinstance(rule, str) else sorted({int(step) for step in rule})
    if not steps or not 0 <= steps[0] <= steps[-1] <= total:
        raise ConfigError(
            f"checkpoints = {rule!r}; allowed: final, log, or steps from 0 to {total}, the last of this run"
        )
    return steps
