"""Experiments against closed forms, autograd, and what their catalogue entries say of them."""

import inspect
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from implicitbias.catalogue import EXPERIMENTS, resolve
from implicitbias.catalogue.limits import CLASSES
from implicitbias.experiments import boolean, circle, guessing, inconsistency, lempel_ziv, regularisation, spectral
from implicitbias.experiments.run import run
from implicitbias.schema import parameters_of, violations
from implicitbias.tasks.build import build

SMALL = {
    "calibration": {"problems": 3, "samples": 256},
    "gradient_regularisation": {"step_size": 0.1},
    "eigenspaces": {"patches": 6, "depth": 2, "train_size": 32, "test_size": 8, "draws": 2},
    "quadratic_regression": {"step_sizes": 4, "draws": 3, "steps": 192},
    "inconsistency": {"width": 8, "draws": 5, "steps": 10},
    "guessed_gradients": {"width": 8, "features": 6, "draws": 3},
    "guessed_training": {"width": 4, "epochs": 1},
    "boolean_prior": {"draws": 50, "inputs": 4},
    "spectral_bias": {"width": 8, "depth": 3, "steps": 40, "every": 20},
    "frequency_bias": {"points": 60, "degrees": 4, "trained": 2, "width": 8, "steps": 5},
    "label_waves": {"width": 8, "steps": 10, "every": 5},
    "guess_and_check": {"factor": 0.3, "networks": 3, "draws": 20_000, "epochs": 2},
    "boolean_posterior": {"inputs": 4, "train_size": 4, "draws": 2000, "runs": 5, "epochs": 20},
    "simplicity_bias": {"train_size": 64, "test_size": 64, "features": 3, "width": 8, "epochs": 1},
    "pruning": {"features": 20, "width": 4, "train_size": 6, "steps": 5, "draws": 3},
    "self_attention": {"sequences": 2, "tokens": 3, "features": 4, "steps": 5, "draws": 2},
    "parity_margins": {"features": 3, "width": 16, "train_size": 10, "test_size": 10, "steps": 5, "draws": 2},
    "next_token": {"vocabulary": 5, "features": 6, "length": 3, "sentences": 2, "steps": 5, "draws": 2},
    "ball_indicator": {"features": 2, "width": 8, "train_size": 20, "steps": 5, "test_size": 20},
    "information_plane": {"epochs": 2, "batch": 2000, "records": 2, "draws": 2},
    "intrinsic_dimension": {"directions": 2, "features": 6, "filters": 3, "train_size": 8, "steps": 5, "draws": 2},
    "intrinsic_dimension_images": {"filters": 3, "steps": 5},
    "linear_student": {"features": 4, "width": 3, "train_size": 6, "steps": 5, "records": 3, "draws": 2},
}
TASK = build(source="digits", labels="0v7", balanced=True, train_size=4, test_size=20, seed=[0, 5], raw_dir=Path())
CLASS_TASK = build(source="digits", labels="digit", train_size=40, test_size=20, seed=[0, 5], raw_dir=Path())


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_entries_say_what_experiments_give(name: str) -> None:
    entry = EXPERIMENTS[name]
    given = {"task": CLASS_TASK if entry.only == (CLASSES,) else TASK} if entry.task else {}
    found = run(name=name, seed=3, **SMALL[name], **given)
    assert violations(found) == []
    assert set(entry.variables) == set(found.data_vars)
    assert (found.attrs["device"], found.attrs["dtype"]) == ("cpu", entry.dtype)
    assert found.attrs["torch_version"] == str(torch.__version__)
    stated = re.findall("float32|float64", resolve(entry).__doc__.lower())
    assert set(stated) <= {entry.dtype}
    assert {*entry.dims, *(["seed"] if entry.task else [])} == set(found.dims)
    assert parameters_of(found)["seed"] == 3
    signature = inspect.signature(resolve(entry)).parameters
    defaults = {key: parameter.default for key, parameter in signature.items() if key not in ("seed", "task")}
    assert defaults == {key: parameter.default for key, parameter in entry.parameters.items()}
    xr.testing.assert_identical(found, run(name=name, seed=3, **SMALL[name], **given))
    assert not found.drop_attrs().equals(run(name=name, seed=4, **SMALL[name], **given).drop_attrs())


@pytest.mark.parametrize("more", [{"step_size": 0.05}, {"step_size": 0.02, "digits": 30, "time": 1.0}])
def test_descent_is_of_order_one_from_the_flow_and_of_order_two_from_the_regularised_one(more: dict) -> None:
    half = {**more, "step_size": more["step_size"] / 2}
    coarse, fine = (regularisation.gradient_regularisation(**each) for each in (more, half))
    assert float(coarse["distance"] / fine["distance"]) == pytest.approx(2, rel=0.15)
    assert float(coarse["modified_distance"] / fine["modified_distance"]) == pytest.approx(4, rel=0.15)


@pytest.mark.parametrize(
    ("text", "count"),
    [("0001101001000101", 6), ("0", 1), ("0000", 2), ("010101", 3), ("0110", 3), ("01100101101100100110", 7)],
)
def test_words_of_known_strings(text: str, count: int) -> None:
    """0001101001000101 = 0.001.10.100.1000.101 (Lempel & Ziv 1976), 0110... = 0.1.10.010.1101.100100.110."""
    assert lempel_ziv.words(text) == count


def test_complexity_of_strings() -> None:
    assert lempel_ziv.complexity("0" * 128) == 7
    assert lempel_ziv.complexity("0110") == pytest.approx(2 * 3)
    random = "".join(map(str, np.random.RandomState(0).randint(2, size=128)))
    assert lempel_ziv.complexity(random) > 5 * lempel_ziv.complexity("01" * 64)


def test_zigzag_networks_are_trained_as_autograd_would(monkeypatch) -> None:
    drawn, real = [], np.random.default_rng

    class Recorded:
        def __init__(self, seed: int) -> None:
            self.own = real(seed)

        def normal(self, **arguments: object) -> np.ndarray:
            drawn.append(self.own.normal(**arguments))
            return drawn[-1]

        def multinomial(self, *arguments: object, **more: object) -> np.ndarray:
            drawn.append(self.own.multinomial(*arguments, **more))
            return drawn[-1]

    monkeypatch.setattr(inconsistency.np.random, "default_rng", Recorded)
    found = inconsistency.inconsistency(width=6, offset=0.1, draws=1, steps=50)
    a, w, counts = (torch.tensor(values[0], dtype=torch.float64) for values in drawn)
    b, c = (torch.zeros(size, dtype=torch.float64) for size in (6, 1))
    weights = [part.requires_grad_(True) for part in (a, w, b, c)]
    assert counts.sum() == 36
    x = torch.tensor([-3.0, -2, -1, 1, 2, 3], dtype=torch.float64).repeat_interleave(counts.long())
    y = torch.tensor([-0.9, 2.1, -0.9, 1.1, -1.9, 1.1], dtype=torch.float64).repeat_interleave(counts.long())

    def outputs(x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x[:, None] * a + b) @ w + c

    gradients = [torch.autograd.grad(f, weights, retain_graph=True) for f in outputs(x)]
    jacobian = torch.stack([torch.cat([part.ravel() for part in each]) for each in gradients])
    curvature = float(torch.linalg.matrix_norm(jacobian, 2)) ** 2 / 36
    optimizer = torch.optim.SGD(weights, lr=1 / curvature)
    for _ in range(50):
        optimizer.zero_grad()
        (outputs(x) - y).square().mean().div(2).backward()
        optimizer.step()
    six = torch.tensor(inconsistency._X)
    risk = float((outputs(six) - torch.tensor(inconsistency._Y) - 0.1).square().mean().detach())
    assert float(found["median_loss"]) == pytest.approx(risk, rel=1e-9)


def test_straight_lines_fit_the_zigzag_with_a_loss_of_two() -> None:
    """The best line on either side leaves residuals of mean square 2; those of drawn points have no smaller risk."""
    found = inconsistency.inconsistency(width=64, draws=20, steps=2000)
    assert 2 - 1e-3 <= float(found["median_loss"]) < 2.05


def test_as_many_kinks_leave_as_in_an_independent_computation() -> None:
    """The frequency at width 16 in another program: .33 (400 networks); equal shares would give .12."""
    found = inconsistency.inconsistency(width=16, draws=400)
    error = math.hypot(float(found["event_frequency_stderr"]), math.sqrt(0.33 * 0.67 / 400))
    assert abs(float(found["event_frequency"]) - 0.33) < 3 * error


def test_a_guess_in_weight_space_has_the_cosine_of_random_vectors() -> None:
    """Mean |cos| of independent directions in P dimensions: sqrt(2/(pi P))."""
    found = guessing.guessed_gradients(width=32, features=20, classes=5, draws=400)
    parameters = 32 * 20 + 32 * 32 + 5 * 32
    cosine, stderr = (float(found[name].sel(guess="weights")) for name in ("cosine", "cosine_stderr"))
    assert abs(cosine - math.sqrt(2 / (math.pi * parameters))) < 4 * stderr
    assert float(found["cosine"].max()) < 1


def test_functions_of_random_networks() -> None:
    found = boolean.boolean_prior(inputs=5, draws=4000, kept=50)
    probability = found["probability"].values
    assert (np.diff(probability) <= 0).all()
    assert probability.sum() <= 1
    constant = probability[:2]  # always on and always off: equally likely, and the most frequent by far
    assert (found["complexity"].values[:2] == 5).all()
    assert abs(constant[0] - constant[1]) < 5 * math.sqrt(2 * constant[0] / 4000)
    assert int(found["functions"]) > 100


def test_half_times_follow_the_weights_of_the_loss() -> None:
    """The rate of degree l grows as (1 + l)^(2 s), nearly, though points are uneven."""
    plain, smooth = (spectral.frequency_bias(sobolev=s, degrees=8)["half_time"].values for s in (0.0, -1.0))
    degrees = np.arange(1, 9)
    assert smooth / plain == pytest.approx((1.0 + degrees) ** 2, rel=0.1)
    assert (np.diff(plain) > 0).all()


def test_half_times_of_exponentials() -> None:
    """A half of exp(-r t) is left at log(2)/r; of (exp(-t) + exp(-3t))/2 where u = exp(-t) solves u + u^3 = 1."""
    for rate in (0.3, 2.0):
        found = spectral._half_time(np.array([rate, 7.0]), np.array([1.0, 0.0]))
        assert found == pytest.approx(math.log(2) / rate, rel=1e-8)
    root = next(u.real for u in np.roots([1, 0, 1, -1]) if u.imag == 0)
    assert spectral._half_time(np.array([1.0, 3.0]), np.array([0.5, 0.5])) == pytest.approx(-math.log(root), rel=1e-8)
    assert math.isnan(spectral._half_time(np.array([0.0, 1.0]), np.array([0.6, 0.4])))


def test_learned_amplitudes_of_a_network_in_training() -> None:
    found = spectral.spectral_bias(width=32, depth=4, steps=1500, every=500)
    assert found.sizes["member"] == 1
    found = found.isel(member=0)
    learned = found["learned"]
    assert float(learned.sel(frequency=5, step=0)) < 0.3
    assert float(learned.sel(frequency=5, step=1500)) > 0.4
    assert float(learned.sel(frequency=50, step=1500)) < 0.3
    end, still = learned.sel(step=1500), found["robust"].sel(radius=0)
    assert float(np.ptp(still.values, axis=1).max()) == 0  # no direction matters where nothing has moved
    assert (np.abs(still) <= end + 1e-6).all()  # an amplitude, and what of it is in phase
    assert float(still.sel(frequency=5, direction=0)) == pytest.approx(float(end.sel(frequency=5)), abs=0.05)


def test_sines_of_members_have_phases_of_their_own() -> None:
    """Closely spaced frequencies are learned sooner, and records agree with the last weights of every member."""
    found = spectral.spectral_bias(width=16, depth=3, steps=300, every=100, spacing=1, members=2, learning_rate=3e-3)
    assert found["frequency"].values.tolist() == list(range(1, 11))
    end, still = found["learned"].sel(step=300), found["robust"].sel(radius=0, direction=0)
    assert (np.abs(still) <= end + 1e-6).all()
    assert (end.sel(frequency=1) > 0.5).all()
    assert not np.allclose(end.isel(member=0), end.isel(member=1), atol=1e-3)


def test_networks_on_the_circle_have_the_kernel_that_they_are_compared_with() -> None:
    """Their outputs' gradients, numerically, on the mean over networks, against the closed form."""
    angles = np.array([0.1, 0.9, 2.5, 4.0])
    x = np.stack([np.cos(angles), np.sin(angles), np.ones(4)], axis=1)
    rng, kernel = np.random.default_rng(0), np.zeros((4, 4))
    for _ in range(60):
        w, v, c = rng.standard_normal((1, 200, 3)), rng.standard_normal((1, 200)), rng.standard_normal((1, 1))
        hidden = np.empty((1, 4, 200))
        circle.outputs_on_circle(x, w, v, c, hidden)
        h = hidden[0]
        slopes = 2**0.5 * (h > 0) * v[0]
        kernel += (h @ h.T + slopes @ slopes.T * (x @ x.T)) / 200 + 1
    assert kernel / 60 == pytest.approx(spectral._circle_kernel(angles), rel=0.1)


def test_wide_networks_on_the_circle_learn_as_their_kernel() -> None:
    """The two lowest degrees, at a width where the kernel hardly moves; more of the steps is of no use."""
    found = spectral.frequency_bias(points=48, degrees=6, trained=2, width=4000, steps=400)
    assert found["trained_half_time"].values == pytest.approx(found["half_time"].values[:2], rel=0.25)
    cut = spectral.frequency_bias(points=48, degrees=6, trained=2, width=50, steps=2)
    assert np.isnan(cut["trained_half_time"].values[1])


def test_parameters_of_one_name_have_one_range() -> None:
    """They share a key of the config's experiment block, which has one type."""
    ranges: dict[str, set] = {}
    for entry in EXPERIMENTS.values():
        for key, number in entry.parameters.items():
            kind = (type(number.default), number.minimum, number.maximum, number.exclusive_minimum, number.choices)
            ranges.setdefault(key, set()).add(kind)
    assert {key: kinds for key, kinds in ranges.items() if len(kinds) > 1} == {}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ball_indicator", "test loss "),
        ("information_plane", "loss .*, error "),
        ("eigenspaces", "loss "),
        ("quadratic_regression", "median loss "),
        ("spectral_bias", "loss "),
        ("frequency_bias", "part of the error left "),
    ],
)
def test_experiments_of_many_steps_say_in_the_log_how_far_they_are(
    name: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    defaults = {key: parameter.default for key, parameter in EXPERIMENTS[name].parameters.items()}
    run(name=name, seed=0, **defaults | SMALL[name])
    assert re.search(rf": \w[\w ]* (\d+) of \1, \d+ s, {told}", capsys.readouterr().err)
