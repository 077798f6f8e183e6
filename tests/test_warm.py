"""Jobs that fork from a warm process end as they would alone, and no process outlives its run."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from implicitbias.warm import VARIABLE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="libraries do not survive a fork elsewhere")

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def sockets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("warm")
    yield folder
    for each in folder.iterdir():
        each.unlink()  # which ends the process


@pytest.fixture
def start(sockets: Path, tmp_path: Path) -> Start:
    """Start a script that imports `implicitbias.job` first, as those of the workflow do."""

    def started(body: str, place: str = f"{os.getpid()}:{sockets}") -> "subprocess.Popen[str]":
        script = tmp_path / "script.py"
        script.write_text("import sys; early = sorted(sys.modules)\nfrom implicitbias import job\n" + body)
        return subprocess.Popen(
            [sys.executable, str(script), "word"], text=True, cwd=tmp_path, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=os.environ | {VARIABLE: place, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    return started


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def awaited(condition: Callable[[], bool], seconds: float = 20) -> bool:
    for _ in range(int(seconds / 0.05)):
        if condition():
            return True
        time.sleep(0.05)
    return condition()


TOLD = "import os; print('torch' in early, os.getcwd(), sys.argv[1], os.getppid(), __name__)"


def test_a_script_is_run_by_a_fork_as_if_it_were_its_process(start: Start, tmp_path: Path) -> None:
    status, out, err = ended(process := start(TOLD))
    warm, folder, word, parent, name = out.split()
    assert (status, err, warm, folder, word, name) == (0, "", "True", str(tmp_path), "word", "__main__")
    assert int(parent) not in (os.getpid(), process.pid)
    assert "warm.py" in Path(f"/proc/{parent}/cmdline").read_text()
    assert ended(start(TOLD))[1].split()[3] == parent  # one for all


def test_a_fork_has_what_torch_imports_when_it_pulls_a_gradient_back(start: Start) -> None:
    body = """
import torch
before, x = set(sys.modules), torch.ones(1, requires_grad=True)
torch.autograd.grad(2 * x, x, torch.ones(1))
print(len(set(sys.modules) - before))
"""
    assert ended(start(body)) == (0, "0\n", "")


def test_a_script_runs_where_it_is_without_a_warm_process(start: Start, tmp_path: Path) -> None:
    for nowhere in ("", f"{os.getpid()}:{tmp_path / 'gone'}", "1"):
        status, out, _ = ended(start(TOLD, nowhere))
        assert (status, out.split()[0], int(out.split()[3])) == (0, "False", os.getpid())


def test_a_warm_process_that_cannot_start_is_tried_once(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120)  # too long for the address of a socket
    folder.mkdir()
    assert ended(start(TOLD, f"{os.getpid()}:{folder}"))[1].split()[0] == "False"
    before = sorted((each.name, each.stat().st_mtime_ns) for each in folder.iterdir())
    assert "none" in dict(before)
    assert ended(start(TOLD, f"{os.getpid()}:{folder}"))[1].split()[0] == "False"
    assert sorted((each.name, each.stat().st_mtime_ns) for each in folder.iterdir()) == before


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("sys.exit('in words')", 1, "in words\n"),
        ("1 / 0", 1, "ZeroDivisionError"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9, ""),
    ],
)
def test_it_ends_as_its_script_ends(start: Start, body: str, status: int, words: str) -> None:
    found, _, err = ended(start(body))
    assert found == status
    assert words in err
    assert bool(err) == bool(words)


def test_every_script_has_the_environment_and_the_project_as_they_are_now(start: Start, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("VALUE = 1\n")
    assert ended(start("import own, os; print(own.VALUE); os.environ['MINE'] = 'x'"))[1] == "1\n"
    (tmp_path / "own.py").write_text("VALUE = 2222\n")
    assert ended(start("import own, os; print(own.VALUE, os.environ.get('MINE'))"))[1] == "2222 None\n"


@pytest.mark.parametrize("word", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_script_ends_with_the_process_that_it_runs_for(start: Start, tmp_path: Path, word: int) -> None:
    process = start("import os, time; print(os.getpid(), flush=True); time.sleep(60); open('late', 'w')")
    assert process.stdout is not None
    worker = Path(f"/proc/{int(process.stdout.readline())}")
    assert worker.exists()
    process.send_signal(word)
    process.wait(20)
    assert awaited(lambda: not worker.exists())
    assert not (tmp_path / "late").exists()


@pytest.mark.parametrize("end", ["owner", "folder"])
def test_the_warm_process_ends_with_its_owner_or_its_folder(start: Start, tmp_path: Path, end: str) -> None:
    folder = tmp_path / "sockets"
    folder.mkdir()
    owner = subprocess.Popen(["sleep", "120"])
    try:
        parent = ended(start(TOLD, f"{owner.pid}:{folder}"))[1].split()[3]
        assert Path(f"/proc/{parent}").exists()
        if end == "folder":
            for each in folder.iterdir():
                each.unlink()
            folder.rmdir()
    finally:
        owner.kill() if end == "owner" else None
        owner.wait() if end == "owner" else None
    assert awaited(lambda: not Path(f"/proc/{parent}").exists())
    owner.kill()
    owner.wait()


def test_what_every_process_imports_before_its_script_begins_is_imported_once(tmp_path: Path) -> None:
    (tmp_path / "sockets").mkdir()
    script = tmp_path / "script.py"
    script.write_text(
        "import sys; early = set(sys.modules); import snakemake.script\nfrom implicitbias import job\nprint(*early)\n"
    )
    place = {VARIABLE: f"{os.getpid()}:{tmp_path / 'sockets'}"}
    told = subprocess.run([sys.executable, script], text=True, capture_output=True, check=True, env=os.environ | place)
    assert {"snakemake.script", "torch"} <= set(told.stdout.split())
    assert not any(name.startswith("implicitbias") for name in told.stdout.split())
    (socket,) = [path for path in (tmp_path / "sockets").iterdir() if path.name != "lock"]
    socket.unlink()  # which ends the process
