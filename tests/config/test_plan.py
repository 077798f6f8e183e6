"""The plan: every point once, keys that depend on exactly what the stage depends on."""

import copy
from typing import Any

import pytest

from implicitbias.config.jobs import STAGES
from implicitbias.config.load import validate
from implicitbias.config.plan import Plan, make_plan

BASE: dict[str, Any] = {
    "studies": {
        "one": {
            "task": {"source": "digits", "labels": ["decimal", "binary"], "train_size": [10, 20], "seed": [0, 1]},
            "network": {"depth": [2, 3], "width": [8, 16]},
            "training": {"optimizer": "nero", "label_scale": [0.1, 1]},
            "nngp": {"estimators": ["bound", "mixture"]},
            "metrics": ["test_error"],
        }
    }
}


def plan(**changes: Any) -> Plan:
    """The plan of the base config with some keys of study one set, as block__key=value, and with an `execution`."""
    config = {**copy.deepcopy(BASE), "execution": changes.pop("execution", {})}
    for name, value in changes.items():
        block, _, key = name.partition("__")
        if key:
            config["studies"]["one"].setdefault(block, {})[key] = value
        else:
            config["studies"]["one"][block] = value
    return make_plan(validate(config))


def counts(of: Plan) -> dict[str, int]:
    return {stage: len(of.jobs[stage]) for stage in STAGES if of.jobs[stage]}


def new(before: Plan, after: Plan) -> dict[str, int]:
    """Jobs a stage that the second plan has and the first has not."""
    return {stage: n for stage in STAGES if (n := len(after.jobs[stage].keys() - before.jobs[stage].keys()))}


def test_each_point_is_one_job_and_infinite_width_ignores_width() -> None:
    assert counts(plan()) == {"tasks": 4, "training": 16, "measurements": 16, "nngp": 8}


def test_without_ensemble_every_value_is_a_job_of_its_own() -> None:
    assert counts(plan(ensemble=[])) == {"tasks": 8, "training": 64, "measurements": 64, "nngp": 16}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {}),
        ({"network__width": [8, 16, 32]}, {"training": 8, "measurements": 8}),
        ({"network__depth": [2, 3, 4]}, {"training": 8, "measurements": 8, "nngp": 4}),
        ({"task__train_size": [10, 20, 30]}, {"tasks": 2, "training": 8, "measurements": 8, "nngp": 4}),
        ({"training__epochs": 50}, {"training": 16, "measurements": 16}),
        ({"training__beta": 0.99}, {"training": 16, "measurements": 16}),
        ({"nngp__samples": 512}, {"nngp": 8}),
        ({"metrics": ["test_error", "train_error"]}, {"measurements": 16}),
        ({"question": "why?"}, {}),
        ({"theme": "rank", "papers": ["Frei et al. 2023"]}, {}),
        ({"figures": ["data_complexity"]}, {}),
    ],
)
def test_an_edit_makes_new_jobs_only_where_it_matters(change: dict[str, Any], expected: dict[str, int]) -> None:
    assert new(plan(), plan(**change)) == expected


def test_writing_a_default_down_changes_no_key() -> None:
    assert new(plan(), plan(training__beta=0.999, training__dtype="float32", network__activation="relu")) == {}


def test_whole_numbers_and_reals_of_equal_value_share_a_key() -> None:
    assert new(plan(training__label_scale=[0.1, 1]), plan(training__label_scale=[0.1, 1.0])) == {}


def test_the_order_of_a_list_of_metrics_changes_no_key() -> None:
    forward, backward = plan(metrics=["test_error", "train_error"]), plan(metrics=["train_error", "test_error"])
    assert new(forward, backward) == {}


def test_two_studies_that_share_points_share_the_jobs() -> None:
    config = copy.deepcopy(BASE)
    config["studies"]["two"] = copy.deepcopy(config["studies"]["one"])
    config["studies"]["two"]["network"]["width"] = [16, 32]
    both = make_plan(validate(config))
    assert counts(both) == {"tasks": 4, "training": 24, "measurements": 24, "nngp": 8}


def test_a_hyperparameter_of_one_optimizer_makes_no_jobs_for_another() -> None:
    made = plan(training__optimizer=["sgd", "adam"], training__beta2=[0.9, 0.99])
    optimizers = [job.parameters["training"]["optimizer"] for job in made.jobs["training"].values()]
    assert optimizers.count("sgd") * 2 == optimizers.count("adam") == 32
    sgd = next(job for job in made.jobs["training"].values() if job.parameters["training"]["optimizer"] == "sgd")
    assert "beta2" not in sgd.parameters["training"]


def test_pieces_carry_only_the_coordinates_that_they_depend_on() -> None:
    pieces = plan().studies["one"].pieces
    by_stage = {piece.path.split("/")[0]: set(piece.coords) for piece in pieces}
    assert by_stage == {
        "measurements": {"labels", "train_size", "depth", "width"},
        "nngp": {"labels", "train_size", "depth"},
    }


def test_sampled_runs_are_told_apart_by_a_prefix() -> None:
    made = plan(sampling={"draws": 10})
    assert {piece.prefix for piece in made.studies["one"].pieces} == {"", "sampled_"}


def test_larger_jobs_ask_for_more() -> None:
    small, large = plan(), plan(network__width=[4000], training__epochs=1000)
    first, second = ([job.request for job in p.jobs["training"].values()] for p in (small, large))
    assert max(size.memory_mb for size in second) > max(size.memory_mb for size in first)
    assert max(size.minutes for size in second) > max(size.minutes for size in first)


def test_equal_points_look_equal_as_text_whatever_the_form_of_the_grid() -> None:
    """A workflow manager compares parameters as text: their order must not tell an axis from a scalar."""
    scalar, axis = plan(network__width=8), plan(network__width=[8, 16])
    for key, job in scalar.jobs["training"].items():
        assert repr(axis.jobs["training"][key].parameters) == repr(job.parameters)


def test_a_study_may_be_an_experiment_alone() -> None:
    config = {
        "studies": {"bars": {"experiment": {"name": "calibration", "estimator": ["mixture", "genz"], "problems": 5}}}
    }
    made = make_plan(validate(config))
    assert counts(made) == {"experiments": 2}
    assert [piece.coords for piece in made.studies["bars"].pieces] == [{"estimator": "mixture"}, {"estimator": "genz"}]


def test_of_an_experiment_on_tasks_the_seed_is_the_tasks() -> None:
    block = {
        "task": {"source": "digits", "labels": "3v8", "train_size": 10, "seed": 3},
        "experiment": {"name": "guess_and_check", "epochs": 1},
    }
    made = make_plan(validate({"studies": {"one": block}}))
    assert made.studies["one"].fixed["seed"] == 3


def test_parameters_of_an_activation_enter_its_jobs_alone() -> None:
    config = copy.deepcopy(BASE)
    plain = make_plan(validate(config))
    config["studies"]["one"]["network"]["activation"] = ["relu", "leaky_relu"]
    made = make_plan(validate(config))
    for stage in ("training", "nngp"):
        assert plain.jobs[stage].keys() < made.jobs[stage].keys()
        for key in made.jobs[stage].keys() - plain.jobs[stage].keys():
            parameters = made.jobs[stage][key].parameters
            assert parameters.get("network", parameters)["slope"] == 0.1
        for job in plain.jobs[stage].values():
            assert "slope" not in job.parameters.get("network", job.parameters)


def test_a_dimension_may_be_a_multiple_of_the_training_size() -> None:
    """2n at n = 20 is the same job as 40."""
    network, rest = {"depth": 2, "width": 8}, {"training": {"optimizer": "sgd"}, "nngp": None}
    ways = [
        plan(task={"source": "gaussian", "train_size": size, "features": features}, network=network, **rest)
        for size, features in (([10, 20], "2n"), (20, 40), (20, ["2n", 30]))
    ]
    features = [{job.parameters["features"] for job in way.jobs["tasks"].values()} for way in ways]
    assert features == [{20, 40}, {40}, {40, 30}]
    assert ways[0].jobs["training"].keys() > ways[1].jobs["training"].keys()
    assert ways[2].studies["one"].axes["features"] == ["2n", 30]


def test_a_signal_may_fall_with_the_training_size() -> None:
    """5/n at n = 20 is the same job as .25."""
    network, rest = {"depth": 2, "width": 8}, {"training": {"optimizer": "sgd"}, "nngp": None}
    task = {"source": "signal_and_noise", "features": 30}
    ways = [
        plan(task={**task, "train_size": size, "signal": signal}, network=network, **rest)
        for size, signal in (([10, 20], "5/n"), (20, 0.25))
    ]
    signals = [{job.parameters["signal"] for job in way.jobs["tasks"].values()} for way in ways]
    assert signals == [{0.5, 0.25}, {0.25}]
    assert ways[0].jobs["training"].keys() > ways[1].jobs["training"].keys()


@pytest.mark.parametrize(("rate", "number"), [("1/n", 0.05), ("10/d", 0.25), ("0.5m", 4.0)])
def test_a_learning_rate_may_follow_the_sizes(rate: str, number: float) -> None:
    """Of 20 points in 40 dimensions and 8 neurons; the job is that of the number, the axis has the text."""
    rest: dict[str, Any] = {
        "task": {"source": "gaussian", "train_size": 20, "features": 40}, "network": {"depth": 2, "width": 8},
        "nngp": None,
    }  # fmt: skip
    by_text, by_number = (
        plan(training={"optimizer": "sgd", "learning_rate": value}, **rest) for value in (rate, number)
    )
    assert by_text.jobs["training"].keys() == by_number.jobs["training"].keys()
    both = plan(training={"optimizer": "sgd", "learning_rate": [rate, 1.0]}, **rest)
    assert both.studies["one"].axes["learning_rate"] == [rate, 1.0]


def test_job_sizes_count_what_is_trained_at_once_and_kept() -> None:
    """Wide networks train one after the other; every checkpoint holds weights; a convolution's patches take room."""

    def memory(task: dict[str, Any] | None = None, **changes: Any) -> int:
        task = task or {"source": "digits", "labels": "decimal", "train_size": 500}
        (job,) = plan(task=task, nngp=None, **changes).jobs["training"].values()
        return job.request.memory_mb

    wide = {"network": {"depth": 7, "width": 10_000}, "execution": {"keep_weights": False}}
    trained = [{"training": {"optimizer": "sgd", "epochs": 1, "members": members}} for members in (1, 3, 200)]
    one, three, many = (memory(**wide, **training) for training in trained)
    assert 10_000 < one <= three <= many < 1.05 * one
    together = {"network": {"depth": 7, "width": 256}, "execution": {"keep_weights": False}}
    one, three, many = (memory(**together, **training) for training in trained)
    assert one + 10 < three < many < one + 200
    narrow = {"network": {"depth": 2, "width": 1000}}
    few, more = (
        memory(**narrow, training={"optimizer": "sgd", "members": 50, "checkpoints": steps})
        for steps in ([0], [0, 1, 2])
    )
    assert more > few + 50
    images = {"source": "mnist", "labels": "decimal"}
    some, many = (
        memory(
            task={**images, "train_size": size},
            network={"architecture": "cnn", "depth": 4, "width": 1024},
            **trained[0],
        )
        for size in (20, 2000)
    )
    assert many > some + 1000


def test_infinite_width_of_classes_takes_room_and_time_for_their_outputs() -> None:
    def size(**task: Any) -> Any:
        given = {"source": "mnist", "train_size": 300, "test_size": 1000, **task}
        (job,) = plan(task=given, network={"depth": 3, "width": 8}, nngp__estimators=["mixture"]).jobs["nngp"].values()
        return job.request

    signs, three, ten = size(labels="decimal"), size(labels="digit", classes=3), size(labels="digit")
    assert signs.memory_mb < three.memory_mb < ten.memory_mb
    assert signs.minutes <= three.minutes < ten.minutes < 60


def rows(of: Plan, stage: str) -> list[str]:
    return sorted({job.parameters["network"]["rows"] for job in of.jobs[stage].values()})


def test_kernels_random_networks_and_trained_ones_are_of_one_class() -> None:
    nero = plan(sampling={"draws": 10})
    assert rows(nero, "training") == rows(nero, "sampling") == rows(nero, "nngp") == ["mean_free_unit"]
    assert nero.studies["one"].classes.endswith("rows of mean 0 and norm 1, as the trained ones have.")
    half = plan(training__constraint="mean_free")
    assert rows(half, "training") == rows(half, "nngp") == ["mean_free"]
    sgd = plan(training={"optimizer": "sgd"})
    assert rows(sgd, "training") == rows(sgd, "nngp") == ["free"]
    assert sgd.studies["one"].classes.endswith("free rows, as the trained ones have.")


def test_another_kernel_is_had_by_name_and_the_report_is_told() -> None:
    named = plan(nngp__rows="free")
    assert rows(named, "nngp") == ["free"]
    assert rows(named, "training") == ["mean_free_unit"]
    assert "different classes of networks" in named.studies["one"].classes
    both = plan(nngp__rows=["free", "mean_free_unit"])
    assert counts(both)["nngp"] == 2 * counts(plan())["nngp"]
    assert {piece.coords.get("rows") for piece in both.studies["one"].pieces} == {None, "free", "mean_free_unit"}


def test_optimizers_of_different_classes_have_kernels_of_their_own() -> None:
    """Of three optimizers two share a kernel, which then stands at both of their places in the grid."""
    mixed = plan(training={"optimizer": ["nero", "sgd", "adam"]}, sampling={"draws": 10})
    assert rows(mixed, "nngp") == rows(mixed, "sampling") == ["free", "mean_free_unit"]
    assert counts(mixed)["nngp"] == 2 * counts(plan())["nngp"]
    places = {
        (piece.coords["optimizer"], mixed.job(piece.path).parameters["network"]["rows"])
        for piece in mixed.studies["one"].pieces
        if piece.path.startswith("nngp/")
    }
    assert places == {("nero", "mean_free_unit"), ("sgd", "free"), ("adam", "free")}
    alike = plan(training={"optimizer": ["sgd", "adam"]})
    assert not any("optimizer" in piece.coords for piece in alike.studies["one"].pieces if "nngp/" in piece.path)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("bias", ["none", "all"]), ("residual", [False, True]), ("activation", ["relu", "plain_relu"]),
        ("output", ["trained", "signs"]),
    ],
)  # fmt: skip
def test_every_parameter_of_a_network_but_its_widths_is_in_the_kernels_key(key: str, values: list[Any]) -> None:
    assert len(plan(**{f"network__{key}": values}).jobs["nngp"]) == 2 * len(plan().jobs["nngp"])


def test_a_job_is_for_the_studies_that_need_it_and_is_as_urgent_as_the_first_of_them() -> None:
    first, second = copy.deepcopy(BASE["studies"]["one"]), copy.deepcopy(BASE["studies"]["one"])
    second["training"]["label_scale"] = [1, 10]  # the same tasks and infinite widths, other trainings
    found = make_plan(validate({"studies": {"first": first, "second": second}}))
    for stage, studies in {"tasks": ["first", "second"], "nngp": ["first", "second"]}.items():
        assert [found.studies_of[f"{stage}/{key}"] for key in found.jobs[stage]] == [studies] * len(found.jobs[stage])
    trainings = [found.studies_of[f"training/{key}"] for key in found.jobs["training"]]
    assert sorted(map(tuple, trainings)) == [("first",)] * 16 + [("second",)] * 16
    assert {found.priority(f"tasks/{key}") for key in found.jobs["tasks"]} == {2}
    assert sorted(found.priority(f"training/{key}") for key in found.jobs["training"]) == [1] * 16 + [2] * 16
    assert [found.priority(f"studies/{study}") for study in ("first", "second", "all_runs")] == [2, 1, 0]


def test_the_configs_own_results_are_in_the_plan_with_what_they_are_made_of() -> None:
    found = plan(figures=["bounds"])
    assert list(found.products) == [
        "studies/one", "figures/one/bounds", "studies/all_runs", "figures/all_runs", "report",
    ]  # fmt: skip
    assert set(found.products["studies/one"].inputs) == {piece.path for piece in found.studies["one"].pieces}
    assert found.products["figures/one/bounds"].inputs == ("studies/one",)
    assert set(found.products["report"].inputs) == set(found.products) - {"report"}
    assert found.products["figures/one/bounds"].files == (
        "results/figures/one/bounds.png", "results/figures/one/bounds.pdf",
    )  # fmt: skip
