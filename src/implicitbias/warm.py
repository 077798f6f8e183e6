"""One warm process a run, which has the libraries imported already and forks itself for every job.

A job of a second spends most of it on importing torch, xarray and matplotlib. So the first job of a run on this machine
starts a process that imports them once; every job's own process then hands its script over, and waits. What the
project's own modules say is read anew by every job, as it was.

Whoever runs jobs (a workflow's main process) says so in the environment: `IMPLICITBIAS_WARM=PID:FOLDER`, its process
and a folder of its own for sockets; the warm process ends with either. A job that cannot be handed over (no such
variable, another interpreter, an operating system on which libraries do not survive a fork) runs where it is.
"""

import contextlib
import fcntl
import gc
import hashlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

VARIABLE = "IMPLICITBIAS_WARM"
_NONE = "none"  # a file, where there is to be no further attempt to start one
_LIBRARIES = (
    "torch",
    "torch.fx.experimental.symbolic_shapes",  # what autograd imports at its first vector-Jacobian product
    "xarray", "netCDF4", "h5py", "scipy.optimize", "scipy.stats", "sklearn.datasets", "sklearn.metrics", "seaborn",
    "matplotlib.backends.backend_pdf", "jaxtyping",
)  # fmt: skip
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "GOTO_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Read by libraries when they are imported, so that jobs with other values need a warm process of their own."""


def hand_over() -> None:
    """Run this process's script in the warm process and end with its exit status; return if there is none to be had."""
    place = os.environ.get(VARIABLE, "")
    if sys.platform != "linux" or ":" not in place:
        return
    owner, folder = place.split(":", 1)
    if int(owner) == os.getpid() or not Path(folder).is_dir() or Path(folder, _NONE).exists():
        return
    with contextlib.suppress(OSError):
        connection = _connected(int(owner), Path(folder))
        _finish(connection)


def _connected(owner: int, folder: Path) -> socket.socket:
    """A connection to the warm process for such jobs as this one, which is started if there is none yet."""
    like = json.dumps([sys.executable, *(os.environ.get(name) for name in _THREADS)])
    address = folder / hashlib.sha256(like.encode()).hexdigest()[:10]
    connection = socket.socket(socket.AF_UNIX)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with contextlib.suppress(OSError):
            connection.connect(str(address))
            return connection
        command = [sys.executable, "-P", __file__, str(address), str(owner), *_imported()]
        server = subprocess.Popen(
            command, start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert server.stdout is not None
        if not server.stdout.readline():  # it has ended, and would again: a socket's address has 107 signs at most
            (folder / _NONE).touch()
        connection.connect(str(address))
    return connection


def _imported() -> list[str]:
    """The libraries' modules that whoever runs jobs has every one of them import before its script begins."""
    others = {__name__.split(".")[0], "__main__", "__mp_main__", *sys.stdlib_module_names}
    return [name for name in sys.modules if name.split(".")[0] not in others]


def _finish(connection: socket.socket) -> NoReturn:
    """Have the script run, and end as it ends."""
    job = {"script": sys.argv[0], "arguments": sys.argv, "folder": str(Path.cwd()), "environment": dict(os.environ)}
    socket.send_fds(connection, [b"."], [0, 1, 2])
    connection.sendall(json.dumps(job).encode() + b"\n")
    if told := connection.recv(16):
        os._exit(int(told))
    os.kill(os.getpid(), signal.SIGKILL)  # as it was: for its memory, say
    raise AssertionError


def serve(address: str, owner: int, libraries: Iterable[str] = ()) -> None:
    """Fork for every connection, as long as the owner lives and the folder of the address stands.

    Args:
        address: of the socket.
        owner: process whose jobs they are.
        libraries: modules to import beside those that the project's jobs need, if they can be found.
    """
    import matplotlib as mpl

    gc.disable()
    mpl.use("Agg")  # whatever the user's is: it would be imported
    for library in (*_LIBRARIES, *libraries):
        with contextlib.suppress(ImportError):
            __import__(library)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks for the children's ends but their clients
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        listener.settimeout(1)
        print("ready", flush=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        while Path(address).exists() and _lives(owner):
            with contextlib.suppress(TimeoutError):
                connection = listener.accept()[0]
                if os.fork() == 0:
                    listener.close()
                    _run(connection)
                connection.close()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _run(connection: socket.socket) -> NoReturn:
    """In the fork: take the place of the process that is connected, run its script and tell it how that ended."""
    connection.setblocking(True)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, passed in enumerate(socket.recv_fds(connection, 1, 3)[1]):
        os.dup2(passed, number)
        os.close(passed)
    job = json.loads(connection.makefile("rb").readline())
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update({name: value for name, value in job["environment"].items() if name != VARIABLE})
    sys.argv, sys.path[0:0] = job["arguments"], [str(Path(job["script"]).parent)]
    threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
    status = 1
    try:
        runpy.run_path(job["script"], run_name="__main__")
        status = 0
    except SystemExit as end:
        status = _status(end.code)
    except BaseException:
        traceback.print_exc()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever waits is gone once it is told
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        with contextlib.suppress(OSError):
            connection.sendall(str(status).encode())
        os._exit(status)


def _end_with(connection: socket.socket) -> None:
    """Interrupt this process when the one that it runs for is gone, and end it if that does not."""
    if not connection.recv(1):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
        os.kill(os.getpid(), signal.SIGKILL)


def _status(code: Any) -> int:
    """The exit status of a `SystemExit`, whose words are printed."""
    if code is None or isinstance(code, int):
        return int(code or 0) & 255
    print(code, file=sys.stderr)
    return 1


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
