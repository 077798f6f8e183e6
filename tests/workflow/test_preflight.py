"""What clusters say of themselves, and what is refused before anything is submitted: no SLURM is needed here."""

import pytest
from cluster import Cluster, Partition, accounts_in, gres_in, minutes_in, partitions_in, said
from hypothesis import given, settings
from hypothesis import strategies as st
from preflight import Request, forgetful, problems

SINFO = """\
short|short*|2:00:00|16|64000|(null)
long|long|7-00:00:00|16|64000|(null)
long|long|7-00:00:00|64+|512000+|(null)
gpu|gpu|1-00:00:00|32|256000|gpu:a100:4(S:0-1),nvme:1
any|any|infinite|8|32000|(null)
"""
CLUSTER = Cluster(
    partitions_in(SINFO), accounts_in("lab|normal,long\nlab|normal\nother|normal\n"), frozenset({"long"}), 300
)


def test_partitions_are_read_with_all_their_kinds_of_nodes() -> None:
    assert CLUSTER.partitions["short"] == Partition(120, ({"cpus": 16, "mem_mb": 64_000},), default=True)
    assert CLUSTER.partitions["long"] == Partition(
        10_080, ({"cpus": 16, "mem_mb": 64_000}, {"cpus": 64, "mem_mb": 512_000})
    )
    assert CLUSTER.partitions["gpu"].nodes == ({"cpus": 32, "mem_mb": 256_000, "gpu": 4, "gpu:a100": 4, "nvme": 1},)
    assert CLUSTER.partitions["any"].minutes is None
    assert str(CLUSTER.partitions["gpu"]) == "runtime 1440, cpus 32, mem_mb 256000, gpu 4, nvme 1"


@pytest.mark.parametrize(
    ("limit", "minutes"),
    [("30:00", 30), ("10:00:00", 600), ("1-00:00:00", 1440), ("7-12:30:00", 10_830), ("infinite", None), ("n/a", None)],
)
def test_time_limits(limit: str, minutes: int | None) -> None:
    assert minutes_in(limit) == minutes


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("(null)", {}),
        ("gpu:2", {"gpu": 2}),
        ("gpu", {"gpu": 1}),
        ("gpu:a100:4(S:0-1),gpu:v100:2", {"gpu": 6, "gpu:a100": 4, "gpu:v100": 2}),
    ],
)
def test_generic_resources(text: str, amounts: dict[str, int]) -> None:
    assert gres_in(text) == amounts


def test_accounts_have_the_qualities_of_all_their_lines() -> None:
    assert CLUSTER.accounts == {"lab": {"normal", "long"}, "other": {"normal"}}


def test_a_command_that_is_missing_or_fails_says_nothing() -> None:
    assert said("no-such-command-of-slurm") == ""
    assert said("false") == ""
    assert said("echo", "words") == "words\n"


GRANTED = [
    Request("train", "short", 120, {"cpus": 16, "mem_mb": 64_000}, "lab", "normal"),
    Request("train", "long", 10_080, {"cpus": 64, "mem_mb": 512_000}),
    Request("train", "gpu", 1440, {"cpus": 1, "gpu": 4, "gpu:a100": 1}, "LAB", "long"),
    Request("train", "any", 10**6, {"cpus": 8}, "other"),
    Request("train", "short,long", 1440, {"mem_mb": 512_000}),  # one of them is enough
    Request("train", "short", 10_000, {"cpus": 1}, "lab", "long"),  # a quality of service beyond the partition's limit
]


@pytest.mark.parametrize("request_", GRANTED)
def test_what_is_granted_is_no_problem(request_: Request) -> None:
    assert problems([request_], CLUSTER) == []


@pytest.mark.parametrize("request_", [*GRANTED, Request("train", "nowhere", 10**6, {"cpus": 1000}, "nobody", "none")])
def test_a_cluster_that_says_nothing_is_not_judged(request_: Request) -> None:
    assert problems([request_], Cluster()) == []


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (Request("train", "gpuu"), "slurm_partition = 'gpuu' (default-resources in the profile, or partitions.yaml): "
         "the cluster has none of this name (did you mean 'gpu'?)."),
        (Request("train", ""), "slurm_partition is not set (default-resources in the profile) and the cluster has no "
         "default one."),
        (Request("train", "short", account="labb"), "slurm_account = 'labb' (default-resources in the profile): "
         "not an account of yours (did you mean 'lab'?). Allowed: lab, other."),
        (Request("train", "short", account="other", qos="long"), "slurm-qos = 'long' (in the profile): not a quality "
         "of service that you may have. Allowed: normal."),
        (Request("train", "short", qos="fast"), "slurm-qos = 'fast' (in the profile): not a quality "
         "of service that you may have. Allowed: long, normal."),
        (Request("train", "short", 121), "runtime = 121 (train): partition 'short' grants at most 120. "
         "Set execution.longest_minutes: 120 (in the config file"),
        (Request("tasks", "short", 121, group=True), "Put fewer jobs into a group (group-components in the profile: "
         "tasks=…)"),
        (Request("train", "short", 1, {"mem_mb": 64_001}), "mem_mb = 64001 (train): partition 'short' grants at most "
         "64000. Set execution.largest_mb: 64000 (in the config file"),
        (Request("train", "short", 1, {"cpus": 17}), "cpus = 17 (train): partition 'short' grants at most 16. "
         "Set execution.threads: 16 in the config file"),
        (Request("train", "short", 1, {"gpu": 1}), "gpu = 1 (train): partition 'short' grants at most 0. "
         "Set execution.gpus: false"),
        (Request("train", "gpu", 1, {"nvme": 2}), "nvme = 2 (train): partition 'gpu' grants at most 1. "),
        (Request("train", "short,any", 1, {"cpus": 17}), "cpus = 17 (train): partition 'short' grants at most 16. "),
    ],
)  # fmt: skip
def test_what_is_never_granted_is_told_with_what_to_change(request_: Request, told: str) -> None:
    lines = problems([request_], CLUSTER)
    assert told in lines[0]
    assert len([line for line in lines if not line.startswith((" ", "Partitions"))]) == 1
    table = "  short (default): runtime 120, cpus 16, mem_mb 64000, gpu 0" in lines
    assert table != told.startswith(("slurm_account", "slurm-qos"))


def test_amounts_that_no_single_node_has_together() -> None:
    mixed = Cluster({"mixed": Partition(60, ({"cpus": 64, "mem_mb": 1000}, {"cpus": 4, "mem_mb": 9000}))})
    (line, *_) = problems([Request("train", "mixed", 1, {"cpus": 8, "mem_mb": 2000})], mixed)
    assert line.startswith("cpus = 8 (train): partition 'mixed' has no node with this and the rest")


def test_what_nobody_can_read_is_not_judged() -> None:
    empty = partitions_in("sinfo: something odd\nempty|empty|n/a|0|0|(null)\n")
    assert empty == {"empty": Partition(None, ())}
    assert problems([Request("train", "empty", 10**6, {"cpus": 1000})], Cluster(empty)) == []


def test_many_jobs_that_ask_for_too_much_are_one_line() -> None:
    requests = [Request("train", "short", minutes) for minutes in (100, 200, 300)]
    (line, *_) = problems(requests, CLUSTER)
    assert line.startswith("runtime = 300 (train, the most of 2 jobs): ")
    assert problems(requests[:1], CLUSTER) == []


@pytest.mark.parametrize(("command", "seconds", "told"), [("squeue", 60, 1), ("squeue", 300, 0), ("sacct", 60, 0)])
def test_a_cluster_that_forgets_soon_is_noticed(command: str, seconds: int, told: int) -> None:
    assert len(forgetful(Cluster(memory_seconds=seconds), command)) == told


AMOUNTS = st.dictionaries(st.sampled_from(["cpus", "mem_mb", "gpu", "gpu:a100"]), st.integers(1, 6), max_size=4)
NODES = st.lists(AMOUNTS, max_size=3).map(tuple)
PARTITIONS = st.dictionaries(
    st.sampled_from(["one", "two", "three"]), st.builds(Partition, st.none() | st.integers(1, 6), NODES), max_size=3
)
ACCOUNTS = st.dictionaries(
    st.sampled_from(["lab", "other"]), st.frozensets(st.sampled_from(["normal", "long"]), max_size=2), max_size=2
)
CLUSTERS = st.builds(Cluster, PARTITIONS, ACCOUNTS, st.frozensets(st.sampled_from(["long"])))
REQUESTS = st.builds(
    Request,
    name=st.sampled_from(["train", "tasks"]),
    partition=st.lists(st.sampled_from(["one", "two", "four"]), min_size=1, max_size=2, unique=True).map(",".join),
    minutes=st.integers(0, 8),
    node=AMOUNTS,
    account=st.sampled_from(["", "lab", "LAB", "none"]),
    qos=st.sampled_from(["", "normal", "long", "none"]),
    group=st.booleans(),
)


def granted(request: Request, cluster: Cluster) -> bool:
    """Whether a job can run there, as far as the cluster says."""
    accounts, account = cluster.accounts, request.account.lower()
    if account and accounts and account not in accounts:
        return False
    may = accounts.get(account) or {name for names in accounts.values() for name in names}
    if request.qos and may and request.qos not in may:
        return False
    names = request.partition.split(",")
    if not cluster.partitions:
        return True
    if not all(name in cluster.partitions for name in names):
        return False

    def fits(partition: Partition) -> bool:
        in_time = partition.minutes is None or request.minutes <= partition.minutes
        has_all = [all(node.get(key, 0) >= value for key, value in request.node.items()) for node in partition.nodes]
        return (in_time or request.qos in cluster.unlimited) and (not has_all or any(has_all))

    return any(fits(cluster.partitions[name]) for name in names)


@given(cluster=CLUSTERS, requests=st.lists(REQUESTS, max_size=3))
@settings(max_examples=500)
def test_a_run_is_refused_where_one_of_its_jobs_would_not_be_granted_and_nowhere_else(
    cluster: Cluster, requests: list[Request]
) -> None:
    assert bool(problems(requests, cluster)) == (not all(granted(request, cluster) for request in requests))


@given(text=st.text(alphabet="abgpu|:,()*-+0123456789\n ", max_size=80))
@settings(max_examples=500)
def test_whatever_a_cluster_prints_is_read_or_passed_over(text: str) -> None:
    for partition in partitions_in(text).values():
        assert str(partition)
    accounts_in(text)
    problems([Request("train", partition="a", minutes=5, node={"cpus": 1})], Cluster(partitions_in(text)))
