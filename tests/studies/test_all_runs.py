"""The table of all runs: every trained network once, and rank correlations that are what they say."""

import numpy as np
import pytest
import xarray as xr

from implicitbias import schema
from implicitbias.figures.draw import draw
from implicitbias.schema import describe, variable
from implicitbias.studies.all_runs import gather, judged
from implicitbias.studies.verdicts import rank_correlation, rank_interval

SEEDS, SIZES, SCALES = [0, 1, 2, 3, 4], [10, 20, 30, 40, 50], [0.1, 1.0, 3.0]


def trained(sign: float, source: str, **more: xr.Variable) -> xr.Dataset:
    """Networks whose margin goes with their test errors by `sign` within each size, and against it across sizes."""
    rng = np.random.default_rng(len(source))
    size = np.array(SIZES, float)[:, None, None, None]
    inner = rng.random((len(SIZES), 5, 3, 2))  # step last
    error = 0.5 - size / 200 + 0.001 * inner
    variables = {
        "test_error": variable(("train_size", "seed", "label_scale", "step"), error, "test error"),
        "train_error": variable(("train_size", "seed", "label_scale", "step"), 0 * error, "training error"),
        "normalized_margin": variable(
            ("train_size", "seed", "label_scale", "step"), sign * inner + sign * size / 10, "margin"
        ),
        "gibbs_error": variable(("train_size", "seed"), error[..., 0, 0] * 1.2, "Gibbs error"),
        "vote_error": variable(("train_size", "seed", "label_scale", "step"), error, "vote error"),
        "weight_norm": variable(("layer",), [1.0, 2.0], "norm"),
    }
    coords = {"train_size": SIZES, "seed": SEEDS, "label_scale": SCALES, "step": [1, 9], "layer": [0, 1]}
    task = {"source": source, "train_size": SIZES, "seed": SEEDS, "test_size": None}
    network = {"activation": "relu", "depth": 2, "slope": None}
    parameters = {"task": task, "network": network, "training": {"optimizer": "sgd"}}
    return describe(xr.Dataset({**variables, **more}, coords), "s", parameters)


def test_every_network_stands_in_the_table_once() -> None:
    one = trained(1.0, "mnist")
    untrained = xr.Dataset({"test_error": ("x", [0.1])}).assign_attrs(one.attrs, parameters='{"experiment":{}}')
    found = gather({"one": one, "two": trained(-1.0, "digits"), "small": untrained})
    assert schema.violations(found) == []
    assert found.sizes["run"] == 2 * 5 * 5 * 3
    assert list(found["metric"].values) == ["train_error", "normalized_margin"]
    first = found.isel(run=slice(0, 75))
    assert set(first["study"].values) == {"one"}
    expected = one["test_error"].isel(step=-1).values.ravel()
    np.testing.assert_array_equal(first["test_error"], expected)
    np.testing.assert_array_equal(first["gibbs_error"], np.repeat(one["gibbs_error"].values.ravel(), 3))
    assert len(set(first["task"].values)) == 5
    assert first["task"].values[0] == '{"source":"mnist","train_size":10}'
    np.testing.assert_array_equal(first["seed"].values[:6], [0, 0, 0, 1, 1, 1])
    assert set(first["network"].values) == {'{"activation":"relu","depth":2}'}


def test_correlations_within_and_across_tasks() -> None:
    """Within each size margin and error go together, across sizes against each other; so too with signs flipped."""
    for sign in (1.0, -1.0):
        found = gather({"one": trained(sign, "mnist")}).sel(metric="normalized_margin")
        assert (int(found["within_groups"]), int(found["across_groups"])) == (5, 1)
        assert int(found["within_draws"]) == int(found["across_draws"]) == 5
        assert float(found["within"]) * sign > 0.99
        assert float(found["across"]) == pytest.approx(-sign, abs=2e-3)
        assert np.isnan([found["within_low"], found["across_low"]]).all()  # where nothing varies
    table = gather({"one": trained(1.0, "mnist")})
    whole = rank_correlation(table["normalized_margin"], table["test_error"])
    assert whole < float(table["within"].sel(metric="normalized_margin"))


def runs_of(rng: np.random.Generator, seeds: int, networks: int) -> xr.Dataset:
    """One task on which margin and error differ by seed, on their own, far more than by network."""
    shape = (seeds, networks)
    by_seed = rng.normal(size=(2, seeds, 1)) + 0.1 * rng.normal(size=(2, *shape))
    variables = {
        name: variable(("seed", "label_scale"), values, name)
        for name, values in zip(("test_error", "normalized_margin"), by_seed, strict=True)
    }
    coords = {"seed": range(seeds), "label_scale": np.arange(1.0, networks + 1)}
    task = {"source": "mnist", "train_size": 10, "seed": list(range(seeds))}
    return describe(xr.Dataset(variables, coords), "s", {"task": task, "training": {"optimizer": "sgd"}})


def test_networks_on_the_same_points_do_not_narrow_the_interval() -> None:
    """Eight seeds of twenty networks and nothing to be found: 95 % of the intervals should hold 0."""
    rng = np.random.default_rng(0)
    covered, naive = 0, 0
    for _ in range(60):
        table = gather({"one": runs_of(rng, seeds=8, networks=20)})
        found = table.sel(metric="normalized_margin")
        covered += float(found["within_low"]) < 0 < float(found["within_high"])
        low, _, high = rank_interval(table["normalized_margin"], table["test_error"])
        naive += low < 0 < high
    assert covered >= 0.85 * 60
    assert naive < 0.6 * 60


def test_too_few_draws_have_no_interval() -> None:
    table = gather({"one": runs_of(np.random.default_rng(0), seeds=4, networks=20)})
    found = table.sel(metric="normalized_margin")
    assert abs(float(found["within"])) <= 1
    assert np.isnan(found["within_low"])
    assert judged(table).sizes["metric"] == 0


def test_architectures_are_not_pooled() -> None:
    """Margins of degrees two and seven: within each depth they fall with the error, and the deep ones are a million."""
    rng = np.random.default_rng(0)
    error = rng.random((2, 5, 4))
    margin = -error * np.array([1.0, 1e6])[:, None, None]
    error[1] += 10  # all deep ones err more
    dims = ("depth", "seed", "label_scale")
    variables = {"test_error": variable(dims, error, "e"), "normalized_margin": variable(dims, margin, "m")}
    coords = {"depth": [2, 7], "seed": range(5), "label_scale": np.arange(4.0)}
    parameters = {
        "task": {"source": "mnist", "seed": list(range(5))}, "network": {"depth": [2, 7]}, "training": {"loss": "norm"},
    }  # fmt: skip
    found = gather({"one": describe(xr.Dataset(variables, coords), "s", parameters)}).sel(metric="normalized_margin")
    assert int(found["within_groups"]) == 2
    assert float(found["within"]) < -0.99


def test_nothing_trained_is_no_error() -> None:
    found = gather({})
    assert found.sizes == {"run": 0, "metric": 0, "curve": 0, "point": 0}
    assert schema.violations(found) == []
    assert len(draw(found, figure="all_runs").axes) == 2
    (empty,) = draw(found, figure="loss_curves").axes
    assert "no network that is trained for more than one epoch" in empty.texts[0].get_text()


def test_the_figure_shows_correlations_and_errors() -> None:
    table = gather({"one": trained(1.0, "mnist"), "two": trained(-1.0, "digits")})
    left, right = draw(table, figure="all_runs").axes
    assert [text.get_text() for text in left.get_yticklabels()] == ["normalised margin"]
    drawn = {float(line.get_xdata()[0]) for line in left.get_lines() if len(line.get_xdata()) == 1}
    assert {float(table[key].sel(metric="normalized_margin")) for key in ("within", "across")} <= drawn
    points = np.concatenate([part.get_offsets() for part in right.collections])
    wanted = np.stack([table["gibbs_error"], table["test_error"]], axis=1)
    assert {tuple(row) for row in np.round(wanted, 9)} == {tuple(row) for row in np.round(np.asarray(points), 9)}


def test_standard_errors_of_metrics_predict_nothing() -> None:
    """They are numbers of the estimates, in whose table they would have to be linked to these."""
    study = trained(1.0, "digits")
    more = dict.fromkeys(("local_log_volume", "local_log_volume_stderr"), study["normalized_margin"])
    runs = gather({"s": study.assign(more)})
    assert "local_log_volume" in runs
    assert "local_log_volume_stderr" not in runs
    assert not schema.violations(runs)
