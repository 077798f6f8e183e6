"""A training that is killed goes on where it was when the workflow is called again."""

import os
import re
import signal

import xarray as xr
from laboratory import Laboratory
from test_faults import started, wait_for

SLOW = """
def offer(self, state, save=Saved.offer):
    save(self, state)
    time.sleep(3)


Saved.offer = offer
"""


def trained(laboratory: Laboratory) -> xr.Dataset:
    (path,) = (laboratory.folder / "results").rglob("training/*.nc")
    return xr.load_dataset(path)


def test_a_killed_training_goes_on(new_tiny: Laboratory, finished_tiny: Laboratory) -> None:
    def change(text: str) -> str:
        often = text.replace("identity)", "identity, every=0)")
        return "import time\n" + often.replace("with job", f"{SLOW}\nwith job")

    new_tiny.edit("workflow/scripts/train.py", change)
    process = started(new_tiny)
    wait_for(new_tiny, "training/*.state", process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    told = new_tiny.python("workflow/overview.py", "stale", "config/tiny.yaml").stdout
    assert ".state" not in told  # it is of use yet
    new_tiny.snakemake("--unlock")
    new_tiny.snakemake()
    (log,) = (new_tiny.folder / "results").rglob("logs/training/*.log")
    assert re.search(r"goes on after [12] epochs", log.read_text())
    assert trained(new_tiny).equals(trained(finished_tiny))
    assert not list((new_tiny.folder / "results").rglob("*.state*"))
