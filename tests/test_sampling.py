import numpy as np
import pytest
import xarray as xr

import complete
from implicitbias import sampling
from implicitbias.sampling import sample
from implicitbias.schema import describe, variable, violations

NETWORK = complete.network(depth=3, width=10)


def make(labels: list[list[int]], seeds: tuple[int, ...] = (4, 5), shared: bool = True) -> xr.Dataset:
    """Points of five features, the same for every seed."""
    source = np.random.RandomState(0)
    n, train, test = len(labels[0]), source.randn(9, 5), source.randn(6, 5)
    return describe(
        xr.Dataset(
            {
                "train_input": variable(
                    ("seed", "train_point", "feature"), np.stack([train[:n]] * len(seeds)), "training input"
                ),
                "train_label": variable(("seed", "train_point"), np.array(labels, np.int8), "training label"),
                "test_input": variable(
                    ("test_point", "feature") if shared else ("seed", "test_point", "feature"),
                    test if shared else np.stack([test] * len(seeds)),
                    "test input",
                ),
                "test_label": variable(("seed", "test_point"), np.ones((len(seeds), 6), np.int8), "test label"),
            },
            {"seed": list(seeds), "train_point": range(n), "test_point": range(6), "feature": range(5)},
        ),
        "a task",
        {"source": "gaussian"},
    )


def run(task: xr.Dataset, draws: int = 400, flip: bool = True, **network) -> xr.Dataset:
    return sample(task, network={**NETWORK, **network}, sampling={"draws": draws, "flip": flip})


def test_one_point_accepts_half_without_flip_and_all_with_it() -> None:
    task = make([[1], [-1]])
    half = run(task, flip=False, width=100)
    assert (abs(half["acceptance"] - 0.5) < 4 * half["acceptance_stderr"]).all()
    assert half["acceptance_stderr"].values == pytest.approx((0.25 / 400) ** 0.5, rel=0.02)
    assert (run(task, width=100)["acceptance"] == 1).all()  # at width 10 a dead layer's f = 0 has no sign


def test_orthogonal_points_of_a_linear_network_accept_two_to_the_minus_n() -> None:
    task = make([[1, -1, 1], [1, 1, 1]])
    task["train_input"][:] = np.eye(5)[:3]
    found = run(task, draws=2000, flip=False, depth=1)
    assert (abs(found["acceptance"] - 1 / 8) < 4 * found["acceptance_stderr"]).all()


@pytest.mark.parametrize("flip", [True, False])
def test_accepted_networks_fit_and_the_rest_is_nan(flip: bool) -> None:
    task = make([[1, 1, -1], [1, -1, 1]])
    found = run(task, flip=flip)
    assert violations(found) == []
    counts = np.rint(found["acceptance"] * 400).astype(int)
    assert found.sizes["draw"] == counts.max()
    assert counts[0] != counts[1]
    for seed, count in zip(task["seed"].values, counts.values, strict=True):
        one = found.sel(seed=seed)
        fits = one["train_output"] * task["train_label"].sel(seed=seed) > 0
        assert fits[:count].all()
        for name in ("train_output", "test_output", "frobenius_norm"):
            assert one[name][:count].notnull().all()
            assert one[name][count:].isnull().all()


def test_flipped_networks_are_negated_everywhere() -> None:
    """Without and with flip, the networks that are right are the same ones; the others come in negated."""
    task = make([[1, -1]], seeds=(4,))
    right, opposite, both = run(task, flip=False), run(make([[-1, 1]], seeds=(4,)), flip=False), run(task)
    expected = np.concatenate([right["test_output"].values[0], -opposite["test_output"].values[0]])
    assert np.array_equal(np.sort(both["test_output"].values[0], axis=0), np.sort(expected, axis=0))


def test_how_many_are_drawn_at_once_changes_nothing(monkeypatch) -> None:
    task = make([[1, 1, -1], [1, -1, 1]], shared=False)
    whole = run(task, draws=50)
    for numbers in (1, 2000):
        monkeypatch.setattr(sampling, "_NUMBERS", numbers)
        xr.testing.assert_identical(run(task, draws=50), whole)


def test_first_draws_do_not_depend_on_how_many_follow() -> None:
    few, many = run(make([[1], [1]]), draws=5), run(make([[1], [1]]), draws=20)
    assert np.array_equal(few["test_output"], many["test_output"][:, :5])
    assert not np.array_equal(many["test_output"][0], many["test_output"][1])


def test_no_network_accepted() -> None:
    task = make([[1, -1]], seeds=(4,))
    task["train_input"][0, 1] = task["train_input"][0, 0]  # one point with both labels
    found = run(task, draws=20)
    assert found["acceptance"].item() == 0
    assert found.sizes["draw"] == 1
    assert found["test_output"].isnull().all()


def test_norms_are_those_of_gaussian_weights() -> None:
    norms = run(make([[1]], seeds=(4,)), draws=500)["frobenius_norm"][0]
    for layer, (rows, columns) in enumerate([(10, 5), (10, 10), (1, 10)]):
        squared = norms[:, layer] ** 2
        assert abs(squared.mean() - rows) < 4 * (2 * rows / columns / 500) ** 0.5


@pytest.mark.parametrize("bias", ["first", "all"])
def test_networks_with_biases_start_at_biases_of_zero(bias: str) -> None:
    """They compute what networks without biases do, of the same weights."""
    task = make([[1, -1]], seeds=(4,))
    found, plain = run(task, bias=bias), run(task)
    for name in ("test_output", "frobenius_norm"):
        assert np.allclose(found[name], plain[name], atol=1e-5)


@pytest.mark.parametrize("rows", ["unit", "mean_free", "mean_free_unit"])
def test_networks_are_drawn_from_the_class_of_their_rows(rows: str) -> None:
    """Rows of norm 1 give layers their norms, rows of mean 0 do not see a constant that is added to all inputs."""
    task = make([[1, -1]], seeds=(4,))
    found = run(task, rows=rows)
    norms = found["frobenius_norm"].squeeze("seed").values
    assert np.allclose(norms, np.sqrt([10, 10, 1]), rtol=1e-6) == ("unit" in rows)
    assert norms.shape[0] > 10
    shifted = task.assign({name: task[name] + 3.0 for name in ("train_input", "test_input")})
    there = run(shifted, rows=rows)
    same = there.sizes == found.sizes and np.allclose(there["test_output"], found["test_output"], atol=1e-5)
    assert same == ("mean_free" in rows)


@pytest.mark.parametrize(("output", "norm"), [("signs", 1.0), ("halves", 2 / 10**0.5)])
def test_last_layers_are_those_that_the_network_says(output: str, norm: float) -> None:
    """Ten weights of +-1/sqrt(10), or of +-2/10; Gaussian ones would have a norm of their own each."""
    found = run(make([[1, -1]], seeds=(4,)), depth=2, output=output)
    last = found["frobenius_norm"].sel(layer=1)
    assert last.values == pytest.approx(norm)
    assert last.size > 10
