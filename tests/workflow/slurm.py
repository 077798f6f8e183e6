"""A private one-node SLURM on loopback: real slurmctld and slurmd, no munge, no systemd, nothing outside its folder."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

import accounting
from accounting import free_port

_SBIN = "/usr/sbin"
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "sinfo", "scontrol")

_CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/none
CredType=cred/none
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
{accounting}
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
ReturnToService=2
KillWait=2
MinJobAge=3600
JobRequeue=0
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:1 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=600 State=UP
"""


def missing(programs: tuple[str, ...] = PROGRAMS) -> list[str]:
    """Programs that this machine does not have."""
    path = f"{os.environ['PATH']}:{_SBIN}"
    return [program for program in programs if shutil.which(program, path=path) is None]


class Slurm:
    """The cluster as a context; `environment` is what its clients need."""

    def __init__(self, root: Path, *, with_accounting: bool = False) -> None:
        self.root = root
        self.with_accounting = with_accounting
        self.daemons: list[subprocess.Popen[bytes]] = []
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "SBATCH_", "SRUN_"))}
        path = f"{root / 'bin'}:{os.environ['PATH']}:{_SBIN}"
        self.environment = {**inherited, "SLURM_CONF": str(root / "slurm.conf"), "PATH": path}

    def __enter__(self) -> "Slurm":
        for folder in ("state", "spool", "bin"):
            (self.root / folder).mkdir(parents=True)
        host = socket.gethostname().split(".")[0]
        memory = int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**20 * 0.8)
        storage = "AccountingStorageType=accounting_storage/none"
        if self.with_accounting:
            storage = accounting.start(self.root, self._start, self.run)
        text = _CONF.format(
            host=host, user=getpass.getuser(), root=self.root, cpus=os.cpu_count(), memory=memory,
            controller_port=free_port(), node_port=free_port(), accounting=storage,
        )  # fmt: skip
        conf = self.root / "slurm.conf"
        conf.write_text(text)
        # a fake GPU must be a character device; anything else drains the node or leaves CUDA_VISIBLE_DEVICES empty
        (self.root / "gres.conf").write_text(f"NodeName={host} Name=gpu File=/dev/null\n")
        # the executor drops SLURM_CONF before its inner srun; a private cluster has to hand it back
        shim = self.root / "bin" / "srun"
        shim.write_text(f'#!/bin/sh\nSLURM_CONF={conf} exec {shutil.which("srun")} "$@"\n')
        shim.chmod(0o755)
        for command in (["slurmctld", "-D", "-f", str(conf)], ["slurmd", "-D", "-f", str(conf), "-N", host]):
            self._start(command)
        deadline = time.monotonic() + 30
        while self.run("sinfo", "-h", "-o", "%T").split()[:1] != ["idle"]:
            if time.monotonic() > deadline or any(daemon.poll() is not None for daemon in self.daemons):
                logs = "\n".join(path.read_text()[-2000:] for path in self.root.glob("*.log"))
                self.__exit__(None, None, None)
                raise RuntimeError(f"SLURM did not come up:\n{logs}")
            time.sleep(0.05)
        return self

    def _start(self, command: list[str]) -> None:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.daemons.append(subprocess.Popen(command, env=self.environment, **quiet))  # type: ignore[call-overload]

    def run(self, *command: str) -> str:
        """Standard output of a SLURM client."""
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False).stdout

    def node(self, state: str) -> None:
        """Take the node down, or bring it back."""
        host = socket.gethostname().split(".")[0]
        self.run("scontrol", "update", f"NodeName={host}", f"State={state}", "Reason=test")

    def jobs(self) -> list[dict[str, str]]:
        """All jobs in the order of submission, finished ones too, with memory in MB, generic resources, processors."""
        lines = self.run("squeue", "--states=all", "-h", "-o", "%i|%T|%k|%m|%b|%l|%C").splitlines()
        names = ("id", "state", "comment", "memory", "gres", "limit", "cpus")
        jobs = [dict(zip(names, line.split("|"), strict=True)) for line in lines]
        return sorted(jobs, key=lambda job: int(job["id"]))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.run("scancel", "--state=RUNNING,PENDING", "-u", getpass.getuser())
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in self.daemons:
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
