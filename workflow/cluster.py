"""What a SLURM cluster grants, in its own words (sinfo, sacctmgr, scontrol); what it does not say is left out."""

import getpass
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce

Amounts = Mapping[str, int]
"""What a node has, or a job asks of one: `cpus`, `mem_mb`, and generic resources such as `gpu` and `gpu:a100`."""


@dataclass(frozen=True)
class Partition:
    """Its longest run time in minutes (None: no limit) and its kinds of nodes (none where nobody says)."""

    minutes: int | None
    nodes: tuple[Amounts, ...]
    default: bool = False

    def most(self, key: str) -> int:
        """The most of something that one node has."""
        return max((node.get(key, 0) for node in self.nodes), default=0)

    def __str__(self) -> str:
        names = dict.fromkeys(["cpus", "mem_mb", "gpu", *(name for node in self.nodes for name in node)])
        limit = "unlimited" if self.minutes is None else self.minutes
        return ", ".join([f"runtime {limit}", *(f"{name} {self.most(name)}" for name in names if ":" not in name)])


@dataclass(frozen=True)
class Cluster:
    """What is granted; each part is empty where nobody says."""

    partitions: Mapping[str, Partition] = field(default_factory=dict)
    accounts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The user's accounts, with the qualities of service that each may have."""
    unlimited: frozenset[str] = frozenset()
    """Qualities of service whose jobs may run for longer than their partition says."""
    memory_seconds: int | None = None
    """For how long squeue remembers a job that is over (MinJobAge)."""


def ask() -> Cluster:
    """The cluster of this machine."""
    user = getpass.getuser()
    config = said("scontrol", "show", "config")
    age = re.search(r"MinJobAge\s*=\s*(\d+)", config)
    return Cluster(
        partitions_in(said("sinfo", "--all", "--noheader", "--exact", "--format=%R|%P|%l|%c|%m|%G")),
        accounts_in(said("sacctmgr", "-nP", "show", "assoc", f"user={user}", "format=account,qos")),
        frozenset(
            name
            for name, flags in rows(said("sacctmgr", "-nP", "show", "qos", "format=name,flags"), 2)
            if "PartitionTimeLimit" in flags.split(",")
        ),
        int(age[1]) if age else None,
    )


def said(*command: str) -> str:
    """What a command prints; nothing if it is not there, fails or takes long."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def partitions_in(sinfo: str) -> dict[str, Partition]:
    """Partitions by name; sinfo has a line for every kind of node in each."""
    found: dict[str, Partition] = {}
    for name, marked, limit, cpus, memory, gres in rows(sinfo, 6):
        nodes = found[name].nodes if name in found else ()
        if number(cpus):
            nodes = (*nodes, {"cpus": number(cpus), "mem_mb": number(memory), **gres_in(gres)})
        found[name] = Partition(minutes_in(limit), nodes, marked.endswith("*"))
    return found


def accounts_in(sacctmgr: str) -> dict[str, frozenset[str]]:
    """Qualities of service by account, of which sacctmgr may have several lines."""
    found: dict[str, frozenset[str]] = {}
    for account, qos in rows(sacctmgr, 2):
        found[account] = found.get(account, frozenset()) | {name for name in qos.split(",") if name}
    return found


def rows(text: str, columns: int) -> list[list[str]]:
    """The lines of a table that have this many columns."""
    return [row for row in (line.split("|") for line in text.splitlines()) if len(row) == columns]


def minutes_in(limit: str) -> int | None:
    """Whole minutes of `2-00:00:00`, `10:00:00` or `30:00`; None of `infinite`."""
    days, _, clock = limit.rpartition("-")
    if not re.fullmatch(r"\d+(:\d+)*", clock):
        return None
    return 1440 * number(days) + reduce(lambda total, part: 60 * total + int(part), clock.split(":"), 0) // 60


def gres_in(text: str) -> dict[str, int]:
    """Generic resources by name, and by name and type, of `gpu:a100:4(S:0-1),nvme:1`."""
    found: dict[str, int] = {}
    for entry in re.sub(r"\([^)]*\)", "", text).split(","):
        *names, last = entry.split(":")
        if not last[:1].isdigit():  # `gpu` is one
            names, last = [*names, last], "1"
        for name in {names[0], ":".join(names[:2])} - {""}:
            found[name] = found.get(name, 0) + number(last)
    return found


def number(text: str) -> int:
    """The number that a text begins with: sinfo writes 16+ where nodes differ."""
    match = re.match(r"\d+", text)
    return int(match[0]) if match else 0
