"""Random networks that fit against families of trained ones: numbers, claims and figures, where the answer is known."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
import xarray as xr

from implicitbias.figures.draw import draw
from implicitbias.schema import describe, variable
from implicitbias.studies.checks import run_check
from implicitbias.studies.intervals import Interval
from implicitbias.studies.verdicts import MissingData
from implicitbias.studies.volume import CLAIMS, panels

SIZES, SEEDS, POINTS = (2, 20, 200), 6, 400
GIBBS = {2: 0.45, 20: 0.3, 200: 0.12}
TRAINED = {2: 0.42, 20: 0.22, 200: 0.05}
CHECKS = {
    "comparable": "trained_networks_err_as_random_ones_at_few_points",
    "better": "trained_networks_beat_random_ones_at_few_points",
    "draw": "trained_networks_err_as_a_draw",
    "shrinks": "the_gap_shrinks_with_the_training_set",
    "ratio": "the_ratio_grows_with_the_training_set",
    "fraction": "the_fraction_without_training_grows",
    "vote": "trained_networks_err_as_the_vote",
}
Errors = dict[int, float]


def study(trained: Errors = TRAINED, gibbs: Errors = GIBBS, bayes: Errors = TRAINED) -> xr.Dataset:
    """Two families of two members that err alike; draws differ by .03, and a fifth of the test points is hard."""
    rng = np.random.default_rng(0)
    draws = rng.normal(0, 0.03, SEEDS)
    noise = (draws - draws.mean())[:, None] + 0.02 * ((np.arange(POINTS) % 5 == 0) - 0.2)

    def table(levels: Errors) -> np.ndarray:
        return np.stack([levels[n] + noise for n in SIZES])

    by_point, at = ("train_size", "seed", "test_point"), {"source": "test"}
    networks = np.broadcast_to(table(trained)[:, None, :, None], (3, 2, SEEDS, 2, POINTS))
    variables = {
        "gibbs_error_by_point": variable(by_point, table(gibbs), "Gibbs", **at),
        "bayes_error_by_point": variable(by_point, table(bayes), "Bayes", **at),
        "test_error_by_point": variable(
            ("train_size", "label_scale", "seed", "member", "test_point"), networks, "error", **at
        ),
        "train_error": variable(("train_size", "label_scale", "seed", "member"), np.zeros((3, 2, SEEDS, 2)), "e", **at),
        "sampled_test_error": variable(
            ("train_size", "seed", "draw"),
            np.where(np.array(SIZES)[:, None, None] < 100, np.full((3, SEEDS, 4), 0.4), np.nan), "guesses", **at,
        ),
        "test_index": variable(("seed", "test_point"), np.tile(np.arange(POINTS), (SEEDS, 1)), "index", **at),
    }  # fmt: skip
    coords = {
        "train_size": list(SIZES), "label_scale": [0.1, 1.0], "seed": range(SEEDS), "member": range(2),
        "draw": range(4), "test_point": range(POINTS), "labels": "decimal", "source": "digits",
    }  # fmt: skip
    return describe(xr.Dataset(variables, coords), "study volume_hypothesis", {"task": {"source": "digits"}})


def test_gap_ratio_and_fraction_are_those_of_the_mean_errors() -> None:
    (panel,) = panels(study().isel(train_size=[2, 0, 1]))
    assert (panel.name, panel.chance) == ("", 0.5)
    assert [curve.family for curve in panel.curves] == ["scale 0.1", "scale 1"]
    for curve, size in product(panel.curves, range(3)):
        found, n = curve.sizes[size], SIZES[size]
        assert found.train_size == n
        assert found.trained.centre == pytest.approx(TRAINED[n])
        assert panel.gibbs[n].centre == pytest.approx(GIBBS[n])
        assert found.gap.centre == pytest.approx(GIBBS[n] - TRAINED[n])
        assert found.ratio.centre == pytest.approx(GIBBS[n] / TRAINED[n])
        assert found.fraction.centre == pytest.approx((0.5 - GIBBS[n]) / (0.5 - TRAINED[n]))
        assert found.gap.low < found.gap.centre < found.gap.high
    assert set(panel.guessed) == {2, 20}
    assert panel.guessed[2].centre == pytest.approx(0.4)


def test_paired_intervals_are_narrower_than_those_of_the_errors() -> None:
    """Draws and test points are hard for all networks alike."""
    (panel,) = panels(study())
    size = panel.curves[0].sizes[1]
    assert size.gap.high - size.gap.low < 0.4 * (size.trained.high - size.trained.low)


def test_a_family_is_judged_only_where_all_of_its_networks_fit() -> None:
    misses = study()
    misses["train_error"] = misses["train_error"].copy()
    misses["train_error"].loc[{"train_size": 200, "label_scale": 0.1, "seed": 3, "member": 1}] = 0.01
    (panel,) = panels(misses)
    small, large = panel.curves
    assert [size.train_size for size in small.sizes] == [2, 20]
    assert small.findings == {}
    assert [size.train_size for size in large.sizes] == list(SIZES)
    assert set(large.findings) == set(CLAIMS)


def test_errors_of_classes_start_from_their_own_chance() -> None:
    classes = study().assign(chance_error=variable("seed", np.full(SEEDS, 0.9), "chance", source="test"))
    (panel,) = panels(classes)
    size = panel.curves[0].sizes[-1]
    assert panel.chance == pytest.approx(0.9)
    assert size.fraction.centre == pytest.approx((0.9 - GIBBS[200]) / (0.9 - TRAINED[200]))


@pytest.mark.parametrize(
    ("name", "passes", "fails"),
    [
        ("comparable", study(trained={**GIBBS, 20: 0.295}), study()),
        ("better", study(), study(trained={**GIBBS, 20: 0.35})),
        ("draw", study(trained={**TRAINED, 200: 0.115}), study()),
        ("shrinks", study(trained={**TRAINED, 200: 0.08}), study(trained={**TRAINED, 20: 0.29})),
        ("ratio", study(), study(trained={**TRAINED, 200: 0.11})),
        ("fraction", study(), study(gibbs={**GIBBS, 20: 0.23})),
        ("vote", study(), study(bayes={**TRAINED, 200: 0.09})),
    ],
)
def test_every_claim_can_be_supported_and_refuted(name: str, passes: xr.Dataset, fails: xr.Dataset) -> None:
    supported, refuted = (run_check(CHECKS[name], dataset) for dataset in (passes, fails))
    assert supported.outcome == "passed", supported.numbers
    assert "supported by 2 of 2 families" in supported.numbers
    assert refuted.outcome == "failed"
    assert "refuted by scale 0.1" in refuted.numbers
    assert run_check(CHECKS[name], xr.Dataset()).outcome == "not run"
    assert run_check(CHECKS[name], passes.isel(seed=[0])).outcome == "not run"


def test_one_family_that_does_not_support_a_claim_fails_its_check() -> None:
    mixed = study()
    mixed["test_error_by_point"] = mixed["test_error_by_point"].copy()
    mixed["test_error_by_point"].loc[{"label_scale": 0.1}] += 0.2
    found = run_check(CHECKS["better"], mixed)
    assert found.outcome == "failed"
    assert "supported by 1 of 2 families" in found.numbers


def test_a_gap_that_only_changes_its_sign_does_not_shrink() -> None:
    turned = study(trained={**TRAINED, 20: 0.22, 200: 0.22})
    assert "refuted" in run_check(CHECKS["shrinks"], turned).numbers


def test_an_interval_decides_only_if_all_of_it_does() -> None:
    claim = CLAIMS["vote"]
    for ends, verdict in (
        ((-0.01, 0.01), "supported"), ((0.03, 0.05), "refuted"), ((0.01, 0.03), "undecided"),
        ((np.nan, np.nan), "undecided"),
    ):  # fmt: skip
        assert claim.verdict(Interval(ends[0], 0.0, ends[1])) == verdict


@pytest.mark.parametrize(
    ("spoil", "lacks"),
    [
        (lambda data: data.drop_vars("bayes_error_by_point"), "bayes_error_by_point"),
        (lambda data: data.isel(train_size=[1]), "no two training sizes"),
        (lambda data: data.isel(train_size=1), "no axis train_size"),
    ],
)
def test_what_a_study_lacks_is_named(spoil: Callable[[xr.Dataset], xr.Dataset], lacks: str) -> None:
    with pytest.raises(MissingData, match=lacks):
        list(panels(spoil(study())))


@pytest.mark.parametrize("figure", ["volume_hypothesis", "volume_claims"])
def test_figures_show_every_family(figure: str) -> None:
    drawn = draw(study(), figure=figure)
    words = " ".join(text.get_text() for text in drawn.findobj(lambda artist: hasattr(artist, "get_text")))
    for family in ("scale 0.1", "scale 1"):
        assert family in words
