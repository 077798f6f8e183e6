"""Learning-rate schedules."""

from torch import Tensor


def exponential(learning_rate: Tensor, decay: Tensor, epoch: int) -> Tensor:
    """lr decay^epoch, `(member,)`: constant within an epoch, the first epoch is 0 (Bernstein & Yue 2021, section 4)."""
    return learning_rate * decay**epoch
