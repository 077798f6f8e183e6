"""Before SLURM is asked for anything: what a run's jobs ask for, held against what the cluster grants.

SLURM takes a request that no node can ever meet and leaves it pending; and why it refuses another, Snakemake does not
say where jobs are grouped. So every request is judged first, in words. What cannot be found out is not judged: clusters
differ, and SLURM has the last word.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cluster import Amounts, Cluster, Partition

from implicitbias.errors import nearest

LONGEST_PAUSE = 200
"""Seconds that may lie between two looks at the queue: 180, and a little."""


@dataclass(frozen=True)
class Request:
    """What a job asks for (or a group of jobs): where, for how many minutes, and of one node."""

    name: str
    partition: str = ""
    minutes: int = 0
    node: Amounts = field(default_factory=dict)
    account: str = ""
    qos: str = ""
    group: bool = False


def problems(requests: Iterable[Request], cluster: Cluster) -> list[str]:
    """What the cluster would never grant and what to change, in lines; none if all is well."""
    names: dict[str, None] = {}  # in order, each line once
    partitions: dict[str, None] = {}
    over = defaultdict(list)
    for request in requests:
        names |= dict.fromkeys(_account(request, cluster))
        partitions |= dict.fromkeys(_partition(request, cluster))
        known = [name for name in request.partition.split(",") if name in cluster.partitions]
        found = [list(_excess(request, cluster.partitions[name], cluster)) for name in known]
        if known and all(found):  # of several partitions one is enough
            for key, value in found[0]:
                over[request.name, request.group, known[0], key].append(value)
    for (job, group, name, key), values in over.items():
        partition = cluster.partitions[name]
        most = (partition.minutes or 0) if key == "runtime" else partition.most(key)
        has = f"grants at most {most}" if max(values) > most else "has no node with this and the rest that is asked for"
        jobs = f"{job}, the most of {len(values)} jobs" if len(values) > 1 else job
        line = f"{key} = {max(values)} ({jobs}): partition {name!r} {has}. {_advice(key, most, job if group else '')}."
        partitions[line] = None
    if partitions:
        partitions["Partitions, with the most that one job can have there:"] = None
        for name, partition in cluster.partitions.items():
            partitions[f"  {name}{' (default)' if partition.default else ''}: {partition}"] = None
    return [*names, *partitions]


def forgetful(cluster: Cluster, status_command: str | None) -> list[str]:
    """What to know where squeue may forget a job that is over before Snakemake has asked for it; or nothing."""
    seconds = cluster.memory_seconds
    if status_command != "squeue" or seconds is None or seconds >= LONGEST_PAUSE:
        return []
    return [
        f"MinJobAge = {seconds} s (scontrol show config): squeue may forget a job that is over before Snakemake asks "
        "for it, which then waits for ever (or it asks sacct, and does not notice that a job was cancelled). Have it "
        "set to 300 s, SLURM's default."
    ]


def _partition(request: Request, cluster: Cluster) -> Iterator[str]:
    for name in request.partition.split(",") if cluster.partitions else []:
        if not name:
            yield "slurm_partition is not set (default-resources in the profile) and the cluster has no default one."
        elif name not in cluster.partitions:
            yield (
                f"slurm_partition = {name!r} (default-resources in the profile, or partitions.yaml): "
                f"the cluster has none of this name{nearest(name, cluster.partitions)}."
            )


def _account(request: Request, cluster: Cluster) -> Iterator[str]:
    accounts = {name.lower(): qos for name, qos in cluster.accounts.items()}  # SLURM writes them small
    if request.account and accounts and request.account.lower() not in accounts:
        yield (
            f"slurm_account = {request.account!r} (default-resources in the profile): not an account of yours"
            f"{nearest(request.account, accounts)}. Allowed: {', '.join(accounts)}."
        )
        return
    qos = accounts.get(request.account.lower()) or frozenset().union(*accounts.values())
    if request.qos and qos and request.qos not in qos:
        yield (
            f"slurm-qos = {request.qos!r} (in the profile): not a quality of service that you may have"
            f"{nearest(request.qos, qos)}. Allowed: {', '.join(sorted(qos))}."
        )


def _excess(request: Request, partition: Partition, cluster: Cluster) -> Iterator[tuple[str, int]]:
    """What a request asks too much of in a partition, and how much it asks."""
    limit = None if request.qos in cluster.unlimited else partition.minutes
    if limit is not None and request.minutes > limit:
        yield "runtime", request.minutes
    wanted = request.node.items() if partition.nodes else ()
    too_much = [(key, value) for key, value in wanted if value > partition.most(key)]
    one_has_all = any(all(value <= node.get(key, 0) for key, value in wanted) for node in partition.nodes)
    yield from too_much or ([] if one_has_all else list(wanted)[:1])


def _advice(key: str, most: int, group: str) -> str:
    """What to change."""
    other = "or name a partition that grants more"
    if key == "runtime" and group:
        return f"Put fewer jobs into a group (group-components in the profile: {group}=…), {other}"
    if key in ("runtime", "mem_mb"):
        limit = {"runtime": "longest_minutes", "mem_mb": "largest_mb"}[key]
        return (
            f"Set execution.{limit}: {most} (in the config file, or under config in the profile), so that larger jobs "
            f"are cut into several where they can be, {other}"
        )
    if key == "cpus":
        return f"Set execution.threads: {most} in the config file, {other}"
    if key.startswith("gpu"):
        return f"Set execution.gpus: false and execution.device: cpu in the config file, {other}"
    return f"Leave it out, {other}"
