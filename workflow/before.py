"""Before `make` runs Snakemake: refuse a config that it cannot read, and a second run; clear the lock of a killed one.

Snakemake reads the config before anything of ours runs, and ends in a traceback where there is none that it can read.

Snakemake's lock outlives a process that was killed (kill -9, power cut) and does not say whose it is. `make`
notes host and process in .snakemake/holder, so here a dead holder's lock is told from a living one's.
"""

import socket
import subprocess
import sys
from pathlib import Path

import psutil

from implicitbias.config.compose import compose
from implicitbias.errors import ConfigError

HOLDER = Path(".snakemake/holder")
LOCKS = Path(".snakemake/locks")


def main(config: str) -> int:
    """Unlock if the holder is dead; return 1 with an explanation if it lives or cannot be asked, or of the config."""
    try:
        compose([config])
    except ConfigError as error:
        print(f"The config cannot be run, and no job was started.\n{error}")
        return 1
    if not HOLDER.exists() or not any(LOCKS.glob("*")):
        return 0
    match HOLDER.read_text(errors="replace").split():
        case [host, pid] if pid.isdigit():
            if host != socket.gethostname():
                print(
                    f"This folder is locked by a run on {host} (process {pid}). If it is over, run: snakemake --unlock"
                )
                return 1
            holder = int(pid) if _runs_snakemake(int(pid)) else None
        case _:  # written when the disk was full, or not to its end
            holder = next(filter(_runs_here, psutil.pids()), None)
    if holder is not None:
        print(f"Another run (process {holder}) is at work in this folder. Wait for it, or stop it: kill {holder}")
        return 1
    print("The last run was killed; its lock is cleared and what it had finished is kept.")
    command = [str(Path(sys.executable).parent / "snakemake"), "--unlock", "--configfile", config, "--quiet", "all"]
    return subprocess.run(command, check=False).returncode


def _runs_snakemake(pid: int) -> bool:
    """By its first words: a run's warm process, which outlives it a little, has modules of Snakemake for arguments."""
    try:
        return any(Path(part).name == "snakemake" for part in psutil.Process(pid).cmdline()[:4])
    except psutil.Error:
        return False


def _runs_here(pid: int) -> bool:
    try:
        return Path(psutil.Process(pid).cwd()) == Path.cwd() and _runs_snakemake(pid)
    except psutil.Error:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
