"""What signatures say of arrays is true: small studies of every kind run with all of it checked."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
CHECKED = "from shape_checker import check_shapes; check_shapes()"


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A process of its own: checks go in as modules are imported."""
    path = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent / "src")])}
    return subprocess.run(
        [sys.executable, *arguments], cwd=HERE.parent, env=path, capture_output=True, text=True, check=False
    )


def test_arrays_have_the_shapes_that_signatures_say() -> None:
    done = python("-c", f"{CHECKED}; import shape_trial")
    assert done.returncode == 0, done.stderr[-4000:]


WRONG = """
import numpy as np
import torch
from jaxtyping import TypeCheckError
from implicitbias.losses import norm
from implicitbias.measurement.norms import l2
from implicitbias.measurement.margins import normalized_margin
from implicitbias.networks import network_of
from implicitbias.networks.stacked import forward, initialise
from implicitbias.nngp.posterior import prepare
from implicitbias.training.span import span_of

network = network_of({"depth": 2, "width": 4}, 3)
weights, x = initialise(network, [0, 1]), torch.ones(2, 5, 3)
forward(network, weights, x)
calls = {
    "inputs of too many dimensions": lambda: forward(network, weights, x[None]),
    "weights transposed": lambda: forward(network, [weight.transpose(0, 1) for weight in weights], x),
    "targets transposed": lambda: norm(torch.ones(2, 5), torch.ones(5, 2), torch.ones(2)),
    "a label scale for each point": lambda: norm(torch.ones(2, 2), torch.ones(2, 2), torch.ones(2, 1)),
    "whole numbers": lambda: span_of(torch.ones(1, 5, 7, dtype=torch.int64)),
    "a test kernel transposed": lambda: prepare(torch.eye(3), torch.ones(2, 3), torch.ones(2), torch.ones(2)),
    "a vector for a matrix": lambda: l2([np.ones(3)]),
    "norms of more layers than there are": lambda: normalized_margin(
        np.ones((2, 5)), np.ones((2, 5, 3)), np.ones((2, 1)), np.ones((2, 2))
    ),
}
for name, call in calls.items():
    try:
        call()
    except TypeCheckError:
        print("refused:", name)
"""


def test_wrong_shapes_are_refused() -> None:
    """Those, too, with which the formula would go through, as `norm` does with a label scale for each point."""
    done = python("-c", CHECKED + WRONG)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("refused: ") == 8, done.stdout


def test_a_run_does_not_check() -> None:
    """Checks cost time, and are for tests."""
    program = "import implicitbias.training.run, sys; print('beartype' in sys.modules)"
    assert python("-c", program).stdout == "False\n"
