import pytest

from implicitbias.errors import ConfigError
from implicitbias.training.checkpoints import checkpoint_steps


def test_rules() -> None:
    assert checkpoint_steps("final", 40) == [40]
    assert checkpoint_steps([5, 0, 40], 40) == [0, 5, 40]
    log = checkpoint_steps("log", 1000)
    assert log[0] == 0
    assert log[-1] == 1000
    assert {1, 10, 100} <= set(log)
    assert log == sorted(set(log))
    assert len(log) < 20
    assert checkpoint_steps("log", 1) == [0, 1]


@pytest.mark.parametrize("rule", [[41], [-1, 3], [], "last"])
def test_impossible_rules_name_what_is_allowed(rule) -> None:
    with pytest.raises(ConfigError, match="steps from 0 to 40"):
        checkpoint_steps(rule, 40)
