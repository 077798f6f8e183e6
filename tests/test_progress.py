import pytest

from implicitbias import progress
from implicitbias.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets."""
    now = [100.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    return now


def test_a_line_every_five_seconds_and_one_at_the_end(clock, capsys):
    with Progress(8, "training", "epoch") as counted:
        for epoch in range(8):
            clock[0] += 2
            counted.update(figures=lambda epoch=epoch: f"loss {epoch}")
    assert capsys.readouterr().err.splitlines() == [
        "training: epoch 3 of 8, 6 s, 10 s left, loss 2",
        "training: epoch 6 of 8, 12 s, 4 s left, loss 5",
        "training: epoch 8 of 8, 16 s, loss 7",
    ]


def test_figures_are_worked_out_for_lines_alone(clock, capsys):
    asked = []
    with Progress(100, "training", "epoch") as counted:
        for _ in range(100):
            counted.update(figures=lambda: str(asked.append(1)))
    assert len(asked) == 1


def test_what_stops_before_its_end_says_how_far_it_came(clock, capsys):
    with Progress(8, "training", "epoch") as counted:
        counted.update(3)
    assert capsys.readouterr().err == "training: epoch 3 of 8, 0 s, 0 s left\n"
    with Progress(8, "training", "epoch"):
        pass
    assert capsys.readouterr().err == ""
