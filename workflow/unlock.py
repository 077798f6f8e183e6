"""Before `make` runs Snakemake: refuse a second run in this folder, and clear the lock that a killed one left.

Snakemake's lock outlives a process that was killed (kill -9, power cut) and does not say whose it is. `make`
notes host and process in .snakemake/holder, so here a dead holder's lock is told from a living one's.
"""

import socket
import subprocess
import sys
from pathlib import Path

import psutil

HOLDER = Path(".snakemake/holder")
LOCKS = Path(".snakemake/locks")


def main(config: str) -> int:
    """Unlock if the holder is dead; return 1 with an explanation if it lives or cannot be asked."""
    if not HOLDER.exists() or not any(LOCKS.glob("*")):
        return 0
    host, pid = HOLDER.read_text().split()
    if host != socket.gethostname():
        print(f"This folder is locked by a run on {host} (process {pid}). If it is over, run: snakemake --unlock")
        return 1
    if _runs_snakemake(int(pid)):
        print(f"Another run (process {pid}) is at work in this folder. Wait for it, or stop it: kill {pid}")
        return 1
    print(f"The last run (process {pid}) was killed; its lock is cleared and what it had finished is kept.")
    command = [str(Path(sys.executable).parent / "snakemake"), "--unlock", "--configfile", config, "--quiet", "all"]
    return subprocess.run(command, check=False).returncode


def _runs_snakemake(pid: int) -> bool:
    try:
        return "snakemake" in " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
