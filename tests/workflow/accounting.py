"""The accounting of a private SLURM: slurmdbd over a MariaDB of its own, thrown away with its folder."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PROGRAMS = ("slurmdbd", "mariadbd", "mariadb-install-db", "sacct", "sacctmgr")
ACCOUNT, QOS = "lab", "normal"
"""What the user of the tests may compute on."""

_CONF = """\
AuthType=auth/none
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={dbd_port}
SlurmUser={user}
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database_port}
StorageUser={user}
StorageLoc=slurm
LogFile={root}/slurmdbd.log
PidFile={root}/slurmdbd.pid
"""

IN_SLURM_CONF = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={dbd_port}
AccountingStorageEnforce=associations,limits,qos
"""


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def start(root: Path, start_daemon: Callable[[list[str]], None], run: Callable[..., str]) -> str:
    """Start both daemons, register the cluster `test`, the account and the user; return the lines of slurm.conf."""
    user, database_port, dbd_port = getpass.getuser(), free_port(), free_port()
    data = root / "database"
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
         "--skip-test-db", f"--user={user}"],
        check=True, capture_output=True,
    )  # fmt: skip
    start_daemon(
        [shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin") or "", "--no-defaults", f"--datadir={data}",
         f"--socket={root}/database.sock", "--bind-address=127.0.0.1", f"--port={database_port}", f"--user={user}",
         f"--pid-file={root}/database.pid", "--innodb-flush-log-at-trx-commit=0"]
    )  # fmt: skip
    _until(lambda: _listens(database_port))
    conf = root / "slurmdbd.conf"
    conf.write_text(_CONF.format(user=user, root=root, database_port=database_port, dbd_port=dbd_port))
    conf.chmod(0o600)
    # sacctmgr asks slurm.conf where slurmdbd is
    (root / "slurm.conf").write_text(
        f"ClusterName=test\nSlurmctldHost=localhost\nAuthType=auth/none\n{IN_SLURM_CONF.format(dbd_port=dbd_port)}"
    )
    start_daemon(["slurmdbd", "-D"])
    _until(lambda: _listens(dbd_port))
    for words in (("cluster", "test"), ("account", ACCOUNT), ("user", user, f"account={ACCOUNT}")):
        run("sacctmgr", "-i", "add", *words)
    return IN_SLURM_CONF.format(dbd_port=dbd_port)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("the accounting of SLURM did not come up")
        time.sleep(0.1)
