"""From files to one dataset: known cells land where they belong."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from implicitbias.errors import ResultError
from implicitbias.schema import describe, variable, violations, with_stderr
from implicitbias.studies.assemble import assemble


def measured(value: float, seeds: tuple[int, ...] = (0, 1)) -> xr.Dataset:
    """A file with one metric: value + seed, over seed and a lone step."""
    data = np.array([[value + seed] for seed in seeds])
    variables = with_stderr("error", variable(("seed", "step"), data, "error", source="x"), data / 10)
    variables["stop_reason"] = variable("seed", ["finished"] * len(seeds), "why")
    return describe(xr.Dataset(variables, {"seed": list(seeds), "step": [7]}), "t", {}, device="cpu")


def assembled(pieces: list[Any], axes: dict[str, list[Any]], **fixed: Any) -> xr.Dataset:
    return assemble(pieces, axes=axes, fixed=fixed, title="study", parameters={"a": 1}, question="why?")


def test_each_point_lands_in_its_cell() -> None:
    axes = {"labels": ["b", "a"], "depth": [7, 2], "seed": [0, 1]}
    pieces = [
        ({"labels": labels, "depth": depth}, "", measured(10 * depth + (labels == "a") * 100))
        for labels in axes["labels"]
        for depth in axes["depth"]
    ]
    study = assembled(pieces, axes, width=3)
    assert study["error"].dims == ("labels", "depth", "seed")
    assert study["labels"].values.tolist() == ["b", "a"]
    for labels in axes["labels"]:
        for depth in axes["depth"]:
            for seed in axes["seed"]:
                assert (
                    study["error"].sel(labels=labels, depth=depth, seed=seed)
                    == 10 * depth + (labels == "a") * 100 + seed
                )
    assert study["width"].item() == 3
    assert (study["stop_reason"] == "finished").all()
    assert violations(study) == []
    assert study.attrs["question"] == "why?"


def test_a_piece_without_an_axis_holds_for_all_its_values() -> None:
    pieces = [({"optimizer": "a", "beta": 1}, "", measured(1)), ({"optimizer": "a", "beta": 2}, "", measured(2)),
              ({"optimizer": "b"}, "", measured(3))]  # fmt: skip
    study = assembled(pieces, {"optimizer": ["a", "b"], "beta": [1, 2], "seed": [0, 1]})
    assert study["error"].sel(seed=0).values.tolist() == [[1, 2], [3, 3]]


def test_points_that_no_piece_covers_are_nan() -> None:
    study = assembled([({"depth": 2}, "", measured(1))], {"depth": [2, 7], "seed": [0, 1]})
    assert study["error"].sel(depth=7).isnull().all()
    assert study["error"].sel(depth=2).notnull().all()


def test_prefixes_keep_sampled_metrics_apart_and_their_errors_linked() -> None:
    study = assembled([({}, "", measured(1)), ({}, "sampled_", measured(5))], {"seed": [0, 1]})
    assert study["error"].values.tolist() == [1, 2]
    assert study["sampled_error"].values.tolist() == [5, 6]
    assert study["sampled_error"].attrs["ancillary_variables"] == "sampled_error_stderr"
    assert violations(study) == []


def test_a_lone_seed_that_is_no_axis_is_squeezed() -> None:
    study = assembled([({"depth": 2}, "", measured(1, (4,)))], {"depth": [2]}, seed=4)
    assert study["error"].dims == ("depth",)
    assert study["seed"].item() == 4


def test_a_lone_layer_is_kept_where_other_files_have_more() -> None:
    """Depths 1 and 2 by layer, at a lone step of its own each, which is squeezed."""

    def norms(values: list[float], step: int) -> xr.Dataset:
        data = variable(("step", "layer"), [values], "norm", source="x")
        return describe(xr.Dataset({"weight_norm": data}, {"step": [step], "layer": range(len(values))}), "t", {})

    study = assembled([({"depth": 1}, "", norms([5], 10)), ({"depth": 2}, "", norms([6, 7], 20))], {"depth": [1, 2]})
    assert study["weight_norm"].dims == ("depth", "layer")
    np.testing.assert_array_equal(study["weight_norm"], [[5, np.nan], [6, 7]])


def test_steps_of_different_runs_are_joined_in_order() -> None:
    def run(steps: list[int]) -> xr.Dataset:
        data = variable("step", np.array(steps, float), "loss", source="x")
        return describe(xr.Dataset({"loss": data}, {"step": steps}), "t", {})

    study = assembled([({"n": 1}, "", run([0, 10])), ({"n": 2}, "", run([0, 5, 20]))], {"n": [1, 2]})
    assert study["step"].values.tolist() == [0, 5, 10, 20]
    assert study["loss"].sel(n=2, step=5) == 5
    assert study["loss"].sel(n=1, step=5).isnull()


def test_files_of_different_shape_are_refused() -> None:
    other = describe(xr.Dataset({"error": variable((), 1.0, "error", source="x")}), "t", {})
    with pytest.raises(ResultError, match="error: files of one study have different dimensions"):
        assembled([({"depth": 2}, "", measured(1)), ({"depth": 3}, "", other)], {"depth": [2, 3], "seed": [0, 1]})
