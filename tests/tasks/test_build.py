import subprocess
import sys

import numpy as np
import pytest
import torch

from implicitbias import schema
from implicitbias.catalogue import LABELS, NESTED
from implicitbias.catalogue.limits import misfit
from implicitbias.errors import ConfigError
from implicitbias.tasks import digits
from implicitbias.tasks.build import build


def task(tmp_path, **changes):
    settings = {"source": "digits", "labels": "decimal", "train_size": 20, "test_size": None, "seed": [0, 1, 2]}
    return build(**{**settings, **changes}, raw_dir=tmp_path)


@pytest.mark.parametrize("labels", ["decimal", "binary", "random", "binary_random"])
@pytest.mark.parametrize("test_size", [None, 7])
def test_selection_and_labels_restated(tmp_path, labels, test_size):
    found = task(tmp_path, labels=labels, test_size=test_size)
    superset = digits.load()
    superset = superset.only(LABELS[labels].keeps)
    for seed in (0, 1, 2):
        generator = np.random.RandomState(seed)
        train = generator.permutation(len(superset.train_class))[:20]
        test = generator.permutation(len(superset.test_class))[:7]
        if test_size is None:
            test = np.arange(len(superset.test_class))
        one = found.sel(seed=seed)
        np.testing.assert_array_equal(one.train_index, train)
        np.testing.assert_array_equal(one.test_index, test)
        np.testing.assert_array_equal(one.train_input, superset.train_input[train])
        np.testing.assert_array_equal(one.test_input, superset.test_input[test])
        if "random" in labels:
            torch.manual_seed(seed)
            coins = [2 * torch.randint(0, 2, (1,)).item() - 1 for _ in range(len(train) + len(test))]
            np.testing.assert_array_equal(one.train_label, coins[:20])
            np.testing.assert_array_equal(one.test_label, coins[20:])
        else:
            np.testing.assert_array_equal(one.train_label, superset.train_class[train] % 2 * 2 - 1)
            np.testing.assert_array_equal(one.test_label, superset.test_class[test] % 2 * 2 - 1)


@pytest.mark.parametrize(("test_size", "dims"), [(None, ("test_point",)), (5, ("seed", "test_point"))])
def test_form_of_the_dataset(tmp_path, test_size, dims):
    found = task(tmp_path, test_size=test_size)
    assert schema.violations(found) == []
    points = test_size or 597
    assert dict(found.sizes) == {"seed": 3, "train_point": 20, "test_point": points, "feature": 64}
    assert found.test_input.dims == (*dims, "feature")
    assert found.train_input.dtype == found.test_input.dtype == np.float64
    assert found.train_label.dtype == found.test_label.dtype == np.int8
    assert found.train_label.dims == found.train_index.dims == ("seed", "train_point")
    assert found.test_label.dims == found.test_index.dims == ("seed", "test_point")
    assert all(found.coords[dim].dtype.kind == "i" for dim in found.dims)
    assert schema.parameters_of(found) == {
        "source": "digits", "labels": "decimal", "train_size": 20, "test_size": test_size, "seed": [0, 1, 2],
        "centred": False, "balanced": False, "random_share": 0.0,
        "scaling": "norm",
    }  # fmt: skip


def test_a_seed_does_not_depend_on_the_others(tmp_path):
    alone, together = task(tmp_path, labels="random", seed=[5]), task(tmp_path, labels="random", seed=[9, 5])
    for name in alone.data_vars:
        if "seed" in alone[name].dims:
            np.testing.assert_array_equal(alone[name].sel(seed=5), together[name].sel(seed=5))


def test_smaller_training_sets_are_the_beginnings_of_larger_ones(tmp_path):
    small, large = (task(tmp_path, labels="random", train_size=n) for n in (10, 30))
    np.testing.assert_array_equal(small.train_input, large.train_input[:, :10])
    np.testing.assert_array_equal(small.train_label, large.train_label[:, :10])


def test_binary_has_zeros_against_ones(tmp_path):
    found = task(tmp_path, labels="binary", train_size=240, seed=[4])
    assert sorted(found.train_index.values[0]) == list(range(240))
    superset = digits.load().only((0, 1))
    assert (found.train_label.values == 1).sum() == (superset.train_class == 1).sum()
    assert found.sizes["test_point"] == 120


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": "digit"}, "no source 'digit' .did you mean 'digits'.*allowed: digits, mnist"),
        ({"labels": "parity"}, "no label rule 'parity'.*allowed: decimal, binary, random, binary_random"),
        ({"train_size": 1201}, "train_size = 1201: .*1200 points; allowed: 1 to 1200"),
        ({"train_size": 241, "labels": "binary"}, "train_size = 241: 'binary' on 'digits' has 240 points"),
        ({"train_size": 0}, "train_size = 0"),
        ({"train_size": -1}, "train_size = -1"),
        ({"test_size": 598}, "test_size = 598: .*allowed: 1 to 597"),
        ({"test_size": 0}, "test_size = 0"),
        ({"seed": [1, 2, 1]}, r"seed = \[1, 2, 1\].*each once"),
        ({"seed": []}, r"seed = \[\]"),
        ({"seed": [-1]}, r"seed = \[-1\].*from 0"),
        ({"seed": [2**32]}, "seed = "),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        task(tmp_path, **changes)


def test_the_whole_superset_can_be_asked_for(tmp_path):
    found = task(tmp_path, train_size=1200, test_size=597)
    for index, size in ((found.train_index, 1200), (found.test_index, 597)):
        np.testing.assert_array_equal(np.sort(index, axis=1), np.tile(np.arange(size), (3, 1)))


def test_equal_calls_give_equal_files(tmp_path):
    for name in ("a.nc", "b.nc"):
        schema.save(task(tmp_path, labels="random"), tmp_path / name)
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()


def test_tasks_start_without_torch():
    """Importing torch takes longer than building a task does."""
    check = "import implicitbias.tasks.build, implicitbias.tasks.labels, sys; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_pair_of_digits(tmp_path):
    found = task(tmp_path, labels="3v6")
    superset = digits.load()
    superset = superset.only((3, 6))
    np.testing.assert_array_equal(found.train_input.sel(seed=1), superset.train_input[found.train_index.sel(seed=1)])
    expected = np.where(superset.train_class[found.train_index] == 6, 1, -1)
    np.testing.assert_array_equal(found.train_label, expected)
    assert set(np.unique(found.train_label)) == {-1, 1}
    assert found.sizes["test_point"] == len(superset.test_class)


@pytest.mark.parametrize(("source", "labels"), [("gaussian", "class"), ("gaussian", "decimal"), ("gaussian", "3v6")])
def test_labels_that_do_not_go_with_the_source_are_refused(tmp_path, source, labels):
    with pytest.raises(ConfigError, match=f"source '{source}' does not go with labels = '{labels}'; allowed: "):
        task(tmp_path, source=source, labels=labels)


def test_images_are_scaled_as_the_task_says(tmp_path):
    """Pixels from 0 to 1; of mean 0 and deviation 1 over the training superset; and of norm sqrt(d) each."""
    whole = {
        scaling: task(tmp_path, scaling=scaling, train_size=1200, seed=[0]).train_input.values[0]
        for scaling in ("pixels", "standardised", "norm")
    }
    pixels = whole["pixels"]
    assert (pixels.min(), pixels.max()) == (0, 1)
    np.testing.assert_allclose(whole["standardised"], (pixels - pixels.mean()) / pixels.std(), rtol=1e-9, atol=1e-12)
    norms = np.linalg.norm(whole["standardised"], axis=1, keepdims=True)
    np.testing.assert_allclose(whole["norm"], 8 * whole["standardised"] / norms, rtol=1e-12)
    np.testing.assert_array_equal(whole["norm"], task(tmp_path, train_size=1200, seed=[0]).train_input.values[0])


def test_an_unknown_parameter_of_a_source_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="source 'gaussian' has no parameter 'grid'; it has: features, flip"):
        task(tmp_path, source="gaussian", labels="own", grid=3)


@pytest.mark.parametrize("source", ["digits", "two_gaussians"])
def test_centred_inputs_have_lost_their_training_mean(source: str) -> None:
    more = {"labels": "0v1"} if source == "digits" else {"features": 7}
    plain, centred = (
        build(source=source, train_size=20, test_size=5, seed=[0, 1], raw_dir=None, centred=flag, **more)
        for flag in (False, True)
    )
    mean = plain.train_input.mean("train_point")
    for name in ("train_input", "test_input"):
        np.testing.assert_allclose(centred[name], (plain[name] - mean).transpose(*centred[name].dims), atol=1e-12)
    assert float(abs(centred.train_input.mean("train_point")).max()) < 1e-12


def test_balanced_training_sets_take_both_labels_in_turns():
    settings = {"source": "digits", "labels": "0v7", "seed": [0, 3], "raw_dir": None, "balanced": True}
    large, small, plain = (
        build(**settings, train_size=20), build(**settings, train_size=7),
        build(**{**settings, "balanced": False}, train_size=235),
    )  # fmt: skip
    np.testing.assert_array_equal(large.train_label, np.tile([1, -1], (2, 10)))
    np.testing.assert_array_equal(large.train_index[:, :7], small.train_index)
    for seed in (0, 3):  # the first of either label in the order of the plain selection
        one = plain.sel(seed=seed)
        first = one.train_index.values[one.train_label.values == 1][:10]
        np.testing.assert_array_equal(large.train_index.sel(seed=seed)[::2], first)
    with pytest.raises(ConfigError, match="train_size = 235: balanced, there are 224 points"):
        build(**settings, train_size=235)


@pytest.mark.parametrize("source", ["digits", "gaussian"])
def test_labels_drawn_by_coin(source):
    more = {"labels": "decimal"} if source == "digits" else {"features": 7}
    plain, half, all_of_them = (
        build(source=source, train_size=800, test_size=5, seed=[0, 1], raw_dir=None, random_share=share, **more)
        for share in (0.0, 0.5, 1.0)
    )
    changed = [(plain.train_label != other.train_label).mean("train_point").values for other in (half, all_of_them)]
    assert changed[0] == pytest.approx([0.25, 0.25], abs=0.06)
    assert changed[1] == pytest.approx([0.5, 0.5], abs=0.07)
    assert (half.train_random.sum("train_point") == 400).all()
    assert (plain.train_label == half.train_label).where(half.train_random == 0).fillna(1).all()
    assert "train_random" not in plain
    np.testing.assert_array_equal(plain.train_input, half.train_input)
    np.testing.assert_array_equal(plain.test_label, half.test_label)
    assert (half.train_label.sel(seed=0) != half.train_label.sel(seed=1)).any()


@pytest.mark.parametrize(
    ("changes", "nested"),
    [
        *(({"labels": labels, "balanced": balanced}, True) for labels in ("decimal", "binary", "3v6", "random")
          for balanced in (False, True)),
        ({"scaling": "standardised", "test_size": 5}, True),
        ({"centred": True}, False),
        ({"random_share": 0.5}, False),
        ({"random_share": 1.0}, False),
        ({"source": "gaussian", "labels": "own", "test_size": 30}, False),
        ({"source": "two_gaussians", "labels": "own", "test_size": 30}, False),
        ({"source": "sparse_teacher", "labels": "own", "test_size": 30}, False),
    ],
)  # fmt: skip
def test_training_sets_of_one_seed_are_nested_where_the_catalogue_says_so(tmp_path, changes, nested):
    """The smaller of two sets is the beginning of the larger one: inputs and labels."""
    small, large = (task(tmp_path, train_size=size, **changes) for size in (10, 30))
    same = [np.array_equal(small[name], large[name][:, :10]) for name in ("train_input", "train_label")]
    assert all(same) == nested
    settings = {"source": "digits", "centred": False, "random_share": 0.0, **changes}
    assert (misfit(NESTED, settings) == "") == nested


@pytest.mark.parametrize("count", [0, 2, 3, 7])
def test_labels_that_are_classes(tmp_path, count):
    found = task(tmp_path, labels="digit", classes=count)
    superset = digits.load().only(tuple(range(count or 10)))
    assert list(found["class"].values) == list("0123456789")[: count or 10]
    assert schema.violations(found) == []
    for seed in found.seed.values:
        train = np.random.RandomState(seed).permutation(len(superset.train_class))[:20]
        np.testing.assert_array_equal(found.sel(seed=seed).train_label, superset.train_class[train])
        np.testing.assert_array_equal(found.sel(seed=seed).test_label, superset.test_class)


def test_data_come_with_their_classes(tmp_path):
    assert task(tmp_path, labels="own").equals(task(tmp_path, labels="class"))
    assert "class" not in task(tmp_path, labels="decimal").sizes


def test_balanced_training_sets_take_all_classes_in_turns(tmp_path):
    found = task(tmp_path, labels="digit", classes=5, balanced=True, train_size=14)
    np.testing.assert_array_equal(found.train_label, np.tile(np.arange(14) % 5, (3, 1)))
    with pytest.raises(ConfigError, match="allowed: 1 to 545"):
        task(tmp_path, labels="digit", classes=5, balanced=True, train_size=576)


def test_random_labels_of_several_classes(tmp_path):
    true = task(tmp_path, labels="digit", train_size=1000, seed=[0])
    found = task(tmp_path, labels="digit", train_size=1000, seed=[0], random_share=0.5)
    changed = (found.train_label != true.train_label).values
    assert abs(changed.mean() - 0.45) < 4 * np.sqrt(0.45 * 0.55 / 1000)  # a random class is right one time in ten
    np.testing.assert_array_equal(np.unique(found.train_label.values[changed]), np.arange(10))
    assert found.train_label.dtype == true.train_label.dtype
    assert found.test_label.equals(true.test_label)


@pytest.mark.parametrize(("changes", "message"), [({"labels": "decimal", "classes": 3}, "no parameter 'classes'")])
def test_the_number_of_classes_belongs_to_labels_that_are_classes(tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        task(tmp_path, **changes)
