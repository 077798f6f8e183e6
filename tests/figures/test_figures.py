"""Figures show the numbers of the dataset: the artists are asked, not the pixels."""

import os
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from implicitbias.catalogue import FIGURES
from implicitbias.config.layout import PICTURES
from implicitbias.errors import ResultError
from implicitbias.figures.draw import draw, save
from implicitbias.figures.tables import focused, label, long_table
from implicitbias.schema import describe
from implicitbias.studies.intervals import intervals_of
from implicitbias.studies.largest_margin import boundary
from implicitbias.studies.learning_curve import bound_given_first


@pytest.fixture(autouse=True)
def _close() -> object:
    yield
    plt.close("all")


def curves(figure: Figure) -> list[np.ndarray]:
    """y values of every drawn line, of at least three points."""
    lines = [line for axis in figure.axes for line in axis.get_lines()]
    return [np.asarray(line.get_ydata(), float) for line in lines if len(np.atleast_1d(line.get_ydata())) >= 3]


def has(figure: Figure, wanted: np.ndarray) -> bool:
    return any(curve.shape == wanted.shape and np.allclose(curve, wanted, equal_nan=True) for curve in curves(figure))


def legend(figure: Figure) -> list[str]:
    legends = [*figure.legends, *(axis.get_legend() for axis in figure.axes if axis.get_legend())]
    return [text.get_text() for one in legends for text in one.get_texts()]


def test_bounds_shows_every_quantity_at_its_mean_over_seeds(generalisation: xr.Dataset) -> None:
    figure = draw(generalisation, figure="bounds")
    point = {"labels": "decimal", "depth": 7}
    for name, more in (
        ("test_error", {"label_scale": 1.0}),
        ("gibbs_error", {}),
        ("pac_bayes_bound", {"estimator": "mixture"}),
    ):
        assert has(figure, generalisation[name].sel({**point, **more}).mean("seed").values), name
    assert {"trained networks", "PAC-Bayes, true probability", "PAC-Bayes, published estimator"} <= set(legend(figure))
    assert len(figure.axes) == 6
    assert any(axis.get_xlabel() == "number of training points" for axis in figure.axes)


@pytest.mark.parametrize("name", ["data_complexity", "depth"])
def test_comparisons_show_each_kind(name: str, generalisation: xr.Dataset) -> None:
    figure = draw(generalisation, figure=name)
    networks = generalisation["test_error"].sel(labels="binary", depth=7, label_scale=1.0).mean("seed").values
    assert has(figure, networks)
    assert set(legend(figure)) >= ({"2", "7"} if name == "depth" else {"decimal", "binary", "random"})


def test_label_scale_of_a_selected_depth(generalisation: xr.Dataset) -> None:
    marked = generalisation.assign(test_error=generalisation["test_error"] + 0.01 * generalisation["depth"])
    figure = draw(marked, figure="label_scale", select={"depth": 2})
    assert has(figure, marked["test_error"].sel(labels="decimal", depth=2, label_scale=0.1).mean("seed").values)
    assert not has(figure, marked["test_error"].sel(labels="decimal", depth=7, label_scale=0.1).mean("seed").values)
    assert "networks, label scale 0.1" in legend(figure)


def test_estimator_truth_shows_the_gap_and_the_sample_size(generalisation: xr.Dataset) -> None:
    figure = draw(generalisation, figure="estimator_truth")
    complexity = generalisation["complexity"].sel(labels="decimal", depth=2).mean("seed")
    assert has(figure, (complexity.sel(estimator="importance") - complexity.sel(estimator="mixture")).values)
    assert has(figure, np.full(3, 3.0))
    assert any(axis.get_yscale() == "log" for axis in figure.axes)
    assert any("nats" in axis.get_ylabel() for axis in figure.axes)


def test_calibration_shows_every_problem_and_the_coverage(calibrated: xr.Dataset) -> None:
    figure = draw(calibrated, figure="calibration")
    points = [np.asarray(part.get_offsets()) for part in figure.axes[0].collections]
    for position in range(2):
        one = calibrated.isel(estimator=position)
        error = np.abs(one["complexity"] - one["exact_complexity"])
        assert np.allclose(points[position], np.column_stack([one["complexity_stderr"], error]))
    coverage = [float((np.abs(calibrated["score"][0]) <= k).mean()) for k in np.linspace(0, 5, 101)]
    assert has(figure, np.array(coverage))
    assert {"mixture", "importance", "honest (t, 31 d.f.)", "honest (t, 4095 d.f.)"} == set(legend(figure))
    assert has(draw(calibrated.sel(estimator=["mixture"]), figure="calibration"), np.array(coverage))


def test_information_plane_shows_every_epoch_of_every_activation_by_both_estimates() -> None:
    shape = ("activation", "epoch", "layer", "draw")
    names = [f"{kind}_information{how}" for kind in ("input", "label") for how in ("", "_bound")]
    values = np.random.default_rng(0).random((4, 2, 3, 5, 2))
    coords = {"activation": ["tanh", "relu"], "epoch": [0, 1, 9], "layer": range(1, 6), "draw": range(2)}
    dataset = xr.Dataset({name: (shape, each) for name, each in zip(names, values, strict=True)}, coords)
    figure = draw(dataset, figure="information_plane")
    for name in names[2:]:
        for activation in ("tanh", "relu"):
            for epoch in (0, 1, 9):
                assert has(figure, dataset[name].sel(activation=activation, epoch=epoch).mean("draw").values)
    assert [axis.get_title() for axis in figure.axes[:2]] == ["tanh, in bins", "relu, in bins"]
    assert len(draw(dataset.sel(activation="tanh"), figure="information_plane").axes) == 3


def test_methods_shows_differences_to_the_mixture(orthant: xr.Dataset) -> None:
    figure = draw(orthant, figure="methods", select={"depth": 7})
    complexity = orthant["complexity"].sel(labels="binary", depth=7).mean("seed")
    assert has(figure, (complexity.sel(estimator="importance") - complexity.sel(estimator="mixture")).values)
    assert set(legend(figure)) == {"bound", "importance"}
    assert all(axis.get_yscale() == "symlog" for axis in figure.axes)


def test_conclusions_show_both_depths_by_both_estimators(orthant: xr.Dataset) -> None:
    figure = draw(orthant, figure="conclusions")
    for estimator in ("importance", "mixture"):
        for depth in (2, 7):
            wanted = orthant["pac_bayes_bound"].sel(labels="decimal", depth=depth, estimator=estimator).mean("seed")
            assert has(figure, wanted.values)
    assert {"2", "7", "published estimator", "true probability"} <= set(legend(figure))


def test_depth_curve_shows_differences_to_one_hidden_layer(orthant: xr.Dataset) -> None:
    deeper = xr.concat([orthant, orthant.sel(depth=[7]).assign_coords(depth=[9])], "depth")
    rows = xr.concat([deeper, deeper], xr.DataArray(["free", "mean_free_unit"], dims="rows", name="rows"))
    rows["complexity"] = rows["complexity"] + rows["depth"] * xr.DataArray([1.0, 2.0], {"rows": rows["rows"]}, ["rows"])
    figure = draw(rows, figure="depth_curve")
    true = rows["complexity"].sel(estimator="mixture", train_size=500, labels="binary")
    for kind in ("free", "mean_free_unit"):
        wanted = (true - true.sel(depth=2)).sel(rows=kind).mean("seed")
        assert has(figure, wanted.values)
    assert set(legend(figure)) == {"rows free", "rows of mean 0 and norm 1 (as Nero keeps them)"}
    assert len(draw(orthant.sel(labels="decimal"), figure="depth_curve").axes) == 1


def test_learning_curve_shows_losses_and_both_bounds(generalisation: xr.Dataset) -> None:
    stored = {"task": {"source": "mnist", "centred": False, "random_share": 0.0}, "nngp": {"delta": 0.01}}
    dataset = describe(generalisation, "study", stored)
    figure = draw(dataset, figure="learning_curve", select={"depth": 2})
    one = dataset.sel(depth=2, labels="decimal")
    assert has(figure, bound_given_first(dataset).sel(depth=2, labels="decimal").mean("seed").values)
    assert has(figure, one["gibbs_error"].mean("seed").values)
    assert has(figure, one["pac_bayes_bound"].sel(estimator="mixture").mean("seed").values)
    complexity = one["complexity"].sel(estimator="mixture").mean("seed").values
    levels = np.diff(complexity, prepend=0) / np.diff(dataset["train_size"].values, prepend=0)
    bars = [line.get_ydata() for axis in figure.axes for line in axis.get_lines() if len(line.get_xdata()) == 2]
    for level in levels:
        assert any(np.allclose(bar, level) for bar in bars)
    assert len(legend(figure)) == 3


def test_bayes_point_shows_draw_majority_and_centre(bayes_point: xr.Dataset) -> None:
    figure = draw(bayes_point, figure="bayes_point")
    for name in ("spherised_gibbs_error", "spherised_bayes_error", "kernel_interpolation_error"):
        assert has(figure, bayes_point[name].mean("seed").values)
    small = bayes_point.sel(targets="spherised", label_scale=1.0).mean("seed")
    assert has(figure, small["test_error"].mean("member").values)
    assert has(figure, small["vote_error"].values)
    assert has(
        figure, bayes_point["test_error"].sel(targets="labels", label_scale=100.0).mean(["seed", "member"]).values
    )
    assert len(legend(figure)) == 7


def test_stable_rank_shows_shares_of_the_initial_value(low_rank: xr.Dataset) -> None:
    figure = draw(low_rank, figure="stable_rank")
    share = low_rank["stable_rank"] / low_rank["stable_rank"].sel(step=0)
    for features in (200, 4000):
        assert has(figure, share.sel(features=features, init_scale=0.02).values[1:])
    assert len(figure.axes) == 2
    assert {"200", "1000", "4000"} <= set(legend(figure))


def test_decomposition_leads_from_a_half_to_the_trained_networks(decomposed: xr.Dataset) -> None:
    figure = draw(decomposed, figure="decomposition")
    assert len(figure.axes) == 2 * 2
    (axis,) = [axis for axis in figure.axes if axis.get_title() == "decimal labels, depth 7"]
    bars = [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in axis.patches]
    assert np.allclose(bars, [(0.2, 0.5), (0.2, 0.35), (0.35, 0.38), (0.1, 0.38)])  # the first row: small targets
    texts = [text.get_text() for text in axis.texts]
    assert "75 %\n÷2.5" in texts  # .3 of a fall of .4
    assert any(text.startswith("-37 %\n×1.7") for text in texts)
    assert any("0.4 prior sd" in text and "-25.0 points" in text for text in texts)
    assert len(legend(figure)) == 4


def test_decomposition_by_size_shows_every_error(decomposed: xr.Dataset) -> None:
    figure = draw(decomposed, figure="decomposition_by_size")
    lines = [line.get_ydata() for axis in figure.axes for line in axis.get_lines()]
    for errors in ([0.25, 0.2], [0.4, 0.35], [0.43, 0.38], [0.15, 0.1]):
        assert any(len(line) == 2 and np.allclose(line, errors) for line in lines)


def test_label_ray_shows_every_class_beside_its_kernel(label_ray: xr.Dataset) -> None:
    figure = draw(label_ray, figure="label_ray")
    assert len(figure.axes) == 2
    for name in ("test_error", "ray_error"):
        for constraint in ("mean_free_unit", "unit"):
            errors = label_ray[name].sel(constraint=constraint)
            assert has(figure, errors.mean([dim for dim in errors.dims if dim != "label_scale"]).values), name
    levels = [line.get_ydata()[0] for axis in figure.axes for line in axis.get_lines() if len(line.get_xdata()) == 2]
    for wanted in (0.3, 0.335):
        assert np.isclose(levels, wanted, atol=1e-9).any()
    assert "infinitely wide, of the class beside this one" in legend(figure)


@pytest.mark.parametrize("name", ["bounds", "data_complexity", "depth"])
def test_a_single_kind_of_labels_can_be_drawn(name: str, generalisation: xr.Dataset) -> None:
    smaller = generalisation.sel(labels="decimal") if name != "data_complexity" else generalisation.sel(depth=7)
    assert curves(draw(smaller, figure=name))


def test_size_is_obeyed(label_ray: xr.Dataset) -> None:
    assert draw(label_ray, figure="label_ray", width=4, height=3).get_size_inches().tolist() == [4, 3]


def test_files_are_whole_and_reproducible(label_ray: xr.Dataset, tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(draw(label_ray, figure="label_ray"), [tmp_path / f"{name}.png", tmp_path / f"{name}.pdf"])
    for suffix in ("png", "pdf"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pdf", "a.png", "b.pdf", "b.png"]


def test_a_figure_that_cannot_be_written_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    class FullDisk(Figure):
        def savefig(self, path: Path, **_: object) -> None:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(ResultError, match=r"a\.png: cannot be written .*No space left"):
        save(FullDisk(), [tmp_path / "a.png"])
    assert list(tmp_path.iterdir()) == []


def test_focus_takes_the_last_value_of_what_is_not_shown(generalisation: xr.Dataset) -> None:
    data, note = focused(generalisation[["test_error"]], ("labels", "train_size"))
    assert data["test_error"].dims == ("labels", "train_size", "seed")
    assert "depth 7" in note
    assert "label scale 1.0" in note


def test_long_table_has_a_row_a_number_and_drops_nan() -> None:
    table = long_table({"a": xr.DataArray([1.0, np.nan], {"x": [3, 4]}, ["x"]), "b": xr.DataArray(2.0)})
    assert table["quantity"].tolist() == ["a", "b"]
    assert table["error"].tolist() == [1, 2]


def test_every_figure_of_the_catalogue_has_alternative_text() -> None:
    assert all(entry.alt and (entry.needs or entry.options) for entry in FIGURES.values())


def test_lines_show_every_quantity_at_its_mean(low_rank: xr.Dataset) -> None:
    more = low_rank.assign(twice=2 * low_rank["stable_rank"])
    more["twice"].attrs = {"long_name": "twice the stable rank", "units": "1", "source": "test"}
    figure = draw(
        more, figure="lines", quantities=["stable_rank", "twice"], hue="features", style="init_scale", log=["x", "y"]
    )
    for quantity in ("stable_rank", "twice"):
        assert has(figure, more[quantity].sel(features=1000, init_scale=0.02, step=[1, 10, 100]).values)
    assert {"200", "1000", "4000", "0.02", "1"} <= set(legend(figure))
    assert [axis.get_title() for axis in figure.axes] == ["stable rank", "twice the stable rank"]
    assert {axis.get_xscale() for axis in figure.axes} == {"log"}
    over = draw(more, figure="lines", quantities=["stable_rank"], x="features", hue="step")
    assert has(over, more["stable_rank"].sel(init_scale=1.0, step=10).values)
    assert "init scale 1" in over.get_suptitle()


def test_lines_average_seeds_and_members(generalisation: xr.Dataset) -> None:
    figure = draw(
        generalisation, figure="lines", quantities=["test_error", "gibbs_error"], x="train_size", hue="labels"
    )
    for name, more in (("test_error", {"label_scale": 1.0}), ("gibbs_error", {})):
        assert has(figure, generalisation[name].sel({"labels": "binary", "depth": 7, **more}).mean("seed").values)


def means(figure: Figure) -> list[list[tuple[float, float, float]]]:
    """Of every panel the (height, mean, half length of the bar) of every point with error bars, NaN without a bar."""
    found = []
    for axis in figure.axes:
        here = []
        for container in axis.containers:
            point, _, bars = container
            ends = bars[0].get_segments()[0][:, 0] if bars else np.array([np.nan, np.nan])
            here.append((point.get_ydata()[0], point.get_xdata()[0], np.ptp(ends) / 2))
        found.append(here)
    return found


def test_architectures_show_each_once_with_its_interval(architectures: xr.Dataset) -> None:
    figure = draw(architectures, figure="architectures")
    assert [axis.get_title(loc="left") for axis in figure.axes[::2]] == [
        "labels decimal, n = 50, depth 3", "labels random, n = 50, depth 3",
    ]  # fmt: skip
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names == ["mlp", "cnn, flatten readout", "cnn, global average readout"]
    complexity, errors = means(figure)[:2]
    for row, at in enumerate([("mlp", "flatten"), ("cnn", "flatten"), ("cnn", "global_average")]):
        part = architectures.sel(architecture=at[0], readout=at[1], labels="decimal").mean("member")
        per_point = part["complexity"] / 50
        half = 2.776445 * per_point.std(ddof=1) / np.sqrt(5)  # Student's t, 4 degrees of freedom
        assert np.allclose(complexity[row], (row, per_point.mean(), half))
        shown = [point for point in errors if round(point[0]) == row]
        for (_, centre, length), name in zip(shown, ("gibbs_error", "bayes_error", "test_error"), strict=True):
            assert np.isclose(centre, part[name].mean())
            assert np.isclose(length, 2.776445 * part[name].std(ddof=1) / np.sqrt(5))
    assert figure.axes[-2].get_xlabel() == "complexity\nper training point (nat)"
    assert figure.axes[-1].get_xlabel() == "test error"
    assert len(legend(figure)) == 3


def test_architectures_of_any_part_of_a_study(architectures: xr.Dataset) -> None:
    one = draw(architectures.sel(seed=0, architecture="cnn"), figure="architectures", select={"labels": "decimal"})
    assert len(one.axes) == 2
    assert [text.get_text() for text in one.axes[0].get_yticklabels()] == [
        "cnn, flatten readout", "cnn, global average readout",
    ]  # fmt: skip
    assert all(np.isnan(length) for panel in means(one) for _, _, length in panel)
    sizes = xr.concat([architectures.drop_vars("train_size")] * 2, xr.IndexVariable("train_size", [50, 100]))
    sizes["complexity"].attrs = architectures["complexity"].attrs
    many = draw(sizes.isel(readout=0, drop=True).expand_dims(estimator=["mixture", "bound"]), figure="architectures")
    assert len(many.axes) == 8
    assert {axis.get_title(loc="left") for axis in many.axes[::2]} == {
        f"labels {labels}, n = {size}, depth 3" for labels in ("decimal", "random") for size in (50, 100)
    }
    assert np.isclose(means(many)[2][0][1], means(many)[0][0][1] / 2)  # the same complexity of twice as many points


def test_learning_rate_shows_errors_margins_alignments_and_limits(learning_rate: xr.Dataset) -> None:
    figure = draw(learning_rate, figure="learning_rate")
    panels = {axis.get_title().split(" ")[0]: axis for axis in figure.axes}
    end, overall = learning_rate.isel(step=-1), ["seed", "test_point"]
    for width in (64, 256):
        assert has(figure, end["test_error"].sel(width=width).mean("seed").values)
        assert has(figure, end["smallest_margin"].sel(width=width).mean("seed").values / 0.1)
        for step in (0, -1):
            alignment = learning_rate["tangent_kernel_alignment"].isel(step=step)
            assert has(figure, alignment.sel(width=width).mean("seed").values)
    levels = [line.get_ydata()[0] for line in panels["targets"].get_lines() if len(set(line.get_ydata())) == 1]
    for name in ("lazy_error_by_point", "ray_error_by_point"):
        assert np.isclose(levels, float(learning_rate[name].mean(overall))).any()
    assert "training error 0" in panels["targets"].get_title()
    assert {axis.get_xscale() for axis in figure.axes} == {"log"}
    assert legend(figure) == ["width 64", "width 256"]


def test_learning_rate_shows_bars_over_draws_and_test_points(learning_rate: xr.Dataset) -> None:
    figure = draw(learning_rate, figure="learning_rate")
    errors = learning_rate["test_error_by_point"].isel(step=-1).sel(width=64, learning_rate=0.01)
    (wanted,) = intervals_of(learning_rate, [errors], [lambda e: e[..., 0]])
    (_, _, (bars,)) = figure.axes[0].containers[0]
    assert np.allclose(bars.get_segments()[1][:, 1], (wanted.low, wanted.high))


def test_learning_rate_of_any_part_of_a_study(learning_rate: xr.Dataset) -> None:
    """One width, halves of a projection, networks that do not fit, one checkpoint, and no limits."""
    one = learning_rate.isel(width=0)
    halves = xr.concat([one, one + 0.01], xr.IndexVariable("constraint", ["mean_free_unit", "unit"]), data_vars="all")
    halves = halves.assign(test_index=one["test_index"])
    for name in one.data_vars:
        halves[name].attrs = one[name].attrs
    figure = draw(halves, figure="learning_rate")
    assert legend(figure) == ["rows of mean 0 and norm 1", "rows of norm 1"]
    assert "training error 0" not in figure.axes[0].get_title()
    bare = one.isel(step=-1).drop_vars(["lazy_error_by_point", "ray_error_by_point"])
    assert legend(draw(bare, figure="learning_rate")) == ["networks"]


def test_scatter_shows_every_network_against_each_quantity(low_rank: xr.Dataset) -> None:
    more = low_rank.assign(twice=2 * low_rank["stable_rank"], minus=-low_rank["stable_rank"])
    for name in ("twice", "minus"):
        more[name].attrs = {"long_name": f"{name} the stable rank", "units": "1", "source": "test"}
    quantities = ["twice", "minus", "stable_rank"]
    figure = draw(more, figure="scatter", quantities=quantities, hue="features", style="init_scale")
    shown = [np.concatenate([np.asarray(part.get_offsets()) for part in axis.collections]) for axis in figure.axes]
    ranks = np.sort(low_rank["stable_rank"].isel(step=-1).values.ravel())
    for points, factor in zip(shown, (2, -1), strict=True):
        assert np.allclose(np.sort(points[:, 1]), ranks)
        assert np.allclose(points[:, 0], factor * points[:, 1])
    assert [axis.get_title() for axis in figure.axes] == ["twice the stable rank", "minus the stable rank"]
    assert {"200", "1000", "4000", "0.02", "1"} <= set(legend(figure))
    for quantity, scale in (("twice", "log"), ("minus", "linear")):  # the logarithm of nothing is not drawn
        figure = draw(more, figure="scatter", quantities=[quantity, "stable_rank"], hue="features", log=["x"])
        assert figure.axes[0].get_xscale() == scale


def test_regions_show_signs_and_training_points() -> None:
    """One seed's output is x - 1/2, the other's y: a step on the left, a step below."""
    at = np.linspace(-1, 1, 21)
    x, y = np.meshgrid(at, at)
    planes = np.stack([np.stack([x - 0.51, x - 0.51]), np.stack([y + 0.01, -y - 0.01])])
    points = np.array([[0.9, 0.1, 1.0], [-0.5, 0.2, -1.0], [0.3, 0.3, -1.0]])
    dataset = xr.Dataset(
        {
            "plane_output": (("seed", "output", "plane_y", "plane_x"), planes),
            "plane_point": (("seed", "output", "train_point", "plane_axis"), np.broadcast_to(points, (2, 2, 3, 3))),
        },
        {"seed": [0, 1], "output": ["mean_field", "random_features"], "plane_x": at, "plane_y": at},
    )
    figure = draw(dataset, figure="regions")
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == [f"{name}, seed {seed}" for seed in (0, 1) for name in ("mean field", "random features")]
    right, up, down = ((0, 0), (0.9, 0)), ((0, -0.9), (0, 0.9)), ((0, 0.9), (0, -0.9))
    for axis, (low, high) in zip(figure.axes, [right, right, up, down], strict=True):
        filled, *dots = axis.collections
        negative, positive = filled.get_paths()
        assert negative.contains_point(low)
        assert positive.contains_point(high)
        assert not positive.contains_point(low)
        shown = [np.asarray(part.get_offsets()) for part in dots]
        assert np.allclose(shown[0], points[1:, :2])
        assert np.allclose(shown[1], points[:1, :2])


def test_the_overfitting_map_shows_every_mean_and_both_boundaries() -> None:
    errors = np.array([[[0.08, 0.04], [0.002, 0.0], [0.0, 0.0]], [[0.06, 0.02], [0.004, 0.0], [0.0, 0.0]]])
    dims = ("train_size", "features", "seed")
    dataset = xr.Dataset(
        {"test_error": (dims, errors), "train_error": (dims, 0 * errors)},
        {"train_size": [40, 20], "features": ["1n", "5n", "9n"], "seed": [0, 1], "signal": "5/n", "flip": 0.1},
    )
    figure = draw(dataset, figure="overfitting_map")
    axis = figure.axes[0]
    (mesh,) = axis.collections
    assert np.allclose(mesh.get_array()[:, 0], [0.04, 0.06])  # the smaller training set is the lower row
    assert [text.get_text() for text in axis.texts] == ["4", "0.2", "0", "6", "0.1", "0"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["20", "40"]
    predicted, square = (np.asarray(line.get_xdata(), float) for line in axis.get_lines())
    assert np.interp(boundary(40, 5 / 40, 0.1, 0.01), [1, 5, 9], [0.5, 1.5, 2.5]) == pytest.approx(predicted[1])
    assert predicted[1] == square[1]
    at = boundary(40, 5 / 40, 0.1, 0.01) * 20 * np.log(20) / (40 * np.log(40))
    assert np.interp(at, [1, 5, 9], [0.5, 1.5, 2.5]) == pytest.approx(square[0])


@pytest.mark.parametrize("name", ["bounds", "data_complexity", "depth"])
def test_a_legend_is_no_wider_than_its_figure(generalisation: xr.Dataset, name: str) -> None:
    figure = draw(generalisation, figure=name)
    figure.draw_without_rendering()
    (one,) = figure.legends
    assert 0 <= one.get_window_extent().x0 < one.get_window_extent().x1 <= figure.bbox.width


def test_every_kind_of_line_has_a_legend_of_its_own_and_the_note_stands_below_all(low_rank: xr.Dataset) -> None:
    figure = draw(low_rank, figure="lines", quantities=["stable_rank"], hue="features", style="init_scale", log=["x"])
    kinds = {one.get_title().get_text(): [text.get_text() for text in one.get_texts()] for one in figure.legends}
    assert sorted(kinds.values()) == [["0.02", "1"], ["200", "1000", "4000"]]
    figure.draw_without_rendering()
    lower, upper = sorted((one.get_window_extent() for one in figure.legends), key=lambda box: box.y0)
    assert lower.y1 <= upper.y0 + 1
    note = figure.texts[-1].get_window_extent()
    assert all(note.y1 < axis.get_tightbbox().y0 for axis in figure.axes)


def test_a_quantity_without_the_dimension_of_the_colours_is_drawn(low_rank: xr.Dataset) -> None:
    mean = low_rank.assign(mean=low_rank["stable_rank"].mean("features"))
    mean["mean"].attrs = {"long_name": "mean stable rank", "units": "1", "source": "test"}
    figure = draw(mean, figure="lines", quantities=["stable_rank", "mean"], hue="features")
    assert {axis.get_title() for axis in figure.axes if axis.get_lines()} == {"stable rank", "mean stable rank"}
    assert has(figure, mean["mean"].isel(init_scale=-1).values)


DRAW = """
import sys
import numpy as np, xarray as xr
from implicitbias.figures.draw import draw, save
from implicitbias.schema import describe, variable
study = xr.Dataset({"train_loss": variable("step", [3.0, 2.0, 1.0], "loss")}, {"step": [0, 1, 2]})
save(draw(describe(study, "a study", {}), figure="lines", quantities=["train_loss"]), sys.argv[1:])
"""


@pytest.mark.parametrize("backend", ["no_such_backend", "QtAgg"])
@pytest.mark.parametrize(
    "rc", [b"text.usetex: True\nsavefig.facecolor: red\nfont.size: 40\nlines.linewidth: 9", b"\xe4"]
)
def test_figures_are_the_same_whatever_matplotlib_is_told_by_the_user(tmp_path: Path, backend: str, rc: bytes) -> None:
    """A process each: matplotlib reads its settings once, at import."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/matplotlibrc").write_bytes(rc)
    theirs = {"MPLBACKEND": backend, "MATPLOTLIBRC": str(tmp_path / "theirs"), "MPLCONFIGDIR": str(tmp_path / "theirs")}
    for folder, more in ((tmp_path / "ours", {}), (tmp_path / "theirs", theirs)):
        names = [str(folder / f"a.{suffix}") for suffix in PICTURES]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **more}
        done = subprocess.run(
            [sys.executable, "-c", DRAW, *names],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    for suffix in PICTURES:
        assert (tmp_path / f"ours/a.{suffix}").read_bytes() == (tmp_path / f"theirs/a.{suffix}").read_bytes()


@pytest.mark.parametrize(
    ("long_name", "shown"),
    [
        ("the last layer: trained: as others; signs: frozen", "the last layer"),
        ("number of weight matrices L; 1: a linear model", "number of weight matrices L"),
        ("test error", "test error"),
    ],
)
def test_labels_leave_out_what_a_name_explains(long_name: str, shown: str) -> None:
    dataset = xr.Dataset(coords={"x": ("x", [1, 2], {"long_name": long_name, "units": "nat"})})
    assert label(dataset, "x") == f"{shown} (nat)"


def test_phases_shows_models_beside_the_map() -> None:
    steps = [0.5, 1.5, 2.1]
    draws = np.array([[-1.0, -1.0, -1.0], [0.4, 0.5, 0.9], [np.nan, np.nan, 3.0]])
    names = ("lyapunov", "map_lyapunov", "test_loss", "averaged_test_loss")
    both = {
        name: (("model", "relative_step", "draw"), np.stack([draws, draws + 1]) + n) for n, name in enumerate(names)
    }
    visits = {name: (("model", "relative_step", "visit"), np.ones((2, 3, 4))) for name in ("residual", "map_residual")}
    dataset = xr.Dataset(both | visits, {"relative_step": steps, "model": ["phase_retrieval", "network"]})
    figure = draw(dataset, figure="phases")
    assert len(figure.axes) == 6
    for number in range(len(names)):
        for more in (0, 1):  # where most draws diverge there is no mean
            assert has(figure, np.array([-1, 0.6, np.nan]) + number + more)
    assert {"cubic map", "model", "last weights", "averaged predictions"} == set(legend(figure))
    alone = draw(dataset.isel(relative_step=0, drop=True), figure="phases")
    assert "nothing to show" in alone.axes[0].texts[0].get_text()
