"""Margins, KKT residuals, directions and optima against closed forms, autograd, scikit-learn and brute force."""

import inspect
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.optimize import OptimizeResult, check_grad, minimize
from sklearn.svm import SVC, LinearSVC

from implicitbias import losses
from implicitbias.catalogue import METRICS, resolve
from implicitbias.errors import NumericalError
from implicitbias.measurement import directions, homogeneity, kkt, margins, neurons, norms, optima, rank
from implicitbias.measurement.loss_direction import LOG_SLOPES, loss_direction
from implicitbias.measurement.measure import MAKERS
from implicitbias.measurement.plane import plane_output, plane_point
from implicitbias.measurement.slopes import boundary_distance, geometric_complexity
from implicitbias.measurement.tangents import (
    Tangent,
    along_weights,
    combination,
    gram,
    slopes_of,
    tangents_of,
)
from implicitbias.networks import Network, network_of
from implicitbias.networks.stacked import forward

NAN = float("nan")
Function = Callable[[np.ndarray], np.ndarray]
ONE = np.ones(())


def network(inputs: int | tuple[int, ...] = 4, **changes: object) -> Network:
    return network_of({"activation": "plain_relu", "width": 5} | changes, inputs)


def drawn(net: Network, lead: tuple[int, ...] = (), n: int = 6) -> tuple[list[np.ndarray], np.ndarray]:
    """Random weights of leading shape `lead`, and inputs."""
    source = np.random.RandomState(1)
    return [source.randn(*lead, *shape) for shape in net.shapes], source.randn(n, net.features)


def outputs(net: Network, weights: list[np.ndarray], x: np.ndarray) -> np.ndarray:
    lead = weights[0].shape[:-2]
    flat = [torch.tensor(w.reshape(-1, *w.shape[-2:])) for w in weights]
    return forward(net, flat, torch.tensor(x)).numpy().reshape(*lead, len(x))


IMAGE = (1, 4, 4)
HOMOGENEOUS = {
    "relu": network(),
    "three layers": network(depth=3, activation="leaky_relu", slope=0.3),
    "signs": network(output="signs"),
    "squared relu": network(activation="squared_relu"),
    "random features": network(output="random_features"),
    "linear": network(depth=1, activation="linear"),
    "first bias": network(depth=3, bias="first"),
    "Lyu and Li": network(IMAGE, architecture="lyu_li", width=32),
    "convolutions": network((2, 8, 9), architecture="cnn", width=3, pooling="average", readout="global_average"),
    "normalised": network(architecture="resnet", block="dense", normalisation="layer"),
}
OTHERS = {
    "all biases": network(bias="all"),
    "residual": network(depth=3, residual=True),
    "mean field": network(activation="gelu", output="mean_field"),
    "Lyu and Li with biases": network(IMAGE, architecture="lyu_li", width=32, bias="all"),
    "residual convolutions": network(IMAGE, architecture="resnet", width=3, depth=6),
}
NETWORKS = HOMOGENEOUS | OTHERS


@pytest.mark.parametrize("net", NETWORKS.values(), ids=NETWORKS)
def test_tangents_are_the_jacobian(net: Network) -> None:
    """Gram matrix, product with the weights and combinations against torch's Jacobian of every network."""
    weights, x = drawn(net, (2, 3))
    found = tangents_of(net, weights, x)
    coefficients = np.random.RandomState(2).randn(2, 3, len(x))
    for at in np.ndindex(2, 3):
        own = [torch.tensor(w[at])[None] for w in weights]

        def f(*trained: torch.Tensor, own: list[torch.Tensor] = own) -> torch.Tensor:
            whole = list(own)
            whole[net.trained] = trained
            return forward(net, whole, torch.tensor(x))[0]

        trained = tuple(own[net.trained])
        flat = np.hstack([j.reshape(len(x), -1) for j in torch.autograd.functional.jacobian(f, trained)])
        theta = np.concatenate([w.numpy().ravel() for w in trained])
        assert gram(found)[at] == pytest.approx(flat @ flat.T, rel=1e-10, abs=1e-12)
        assert along_weights(found)[at] == pytest.approx(flat @ theta, rel=1e-10, abs=1e-12)
        combined = np.concatenate([layer[at].ravel() for layer in combination(found, coefficients)])
        assert combined == pytest.approx(coefficients[at] @ flat, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("net", NETWORKS.values(), ids=NETWORKS)
def test_eulers_identity_to_rounding(net: Network) -> None:
    """<grad f, theta> = M f where a network is homogeneous, and not elsewhere."""
    weights, x = drawn(net, (3,))
    defect = homogeneity.euler_defect(tangents_of(net, weights, x), outputs(net, weights, x), net.leading_degree)
    if net in HOMOGENEOUS.values():
        assert net.degree == net.leading_degree
        assert (defect < (1e-11 if net == HOMOGENEOUS["normalised"] else 1e-13)).all()  # 1e-12 beside variances
    else:
        assert net.degree is None
        assert (defect > 1e-3).all()


@pytest.mark.parametrize("norm", norms.NORMS)
def test_norms_and_their_duals(norm: str) -> None:
    """By hand on vectors, and max <u, g> over |u| = 1 is the dual norm (attained at the steepest direction)."""
    source = np.random.RandomState(0)
    g = [source.randn(3, 4), source.randn(1, 3)]
    flat = np.concatenate([layer.ravel() for layer in g])
    expected = {
        "l2": np.linalg.norm(flat), "linf": abs(flat).max(), "l1": abs(flat).sum(),
        "spectral": max(np.linalg.norm(layer, 2) for layer in g),
    }[norm]  # fmt: skip
    assert norms.NORMS[norm](g) == pytest.approx(expected)
    best = {
        "l2": [layer / np.linalg.norm(flat) for layer in g],
        "linf": [np.sign(layer) for layer in g],
        "l1": [np.sign(layer) * (abs(layer) == abs(flat).max()) for layer in g],
        "spectral": [u @ vh for u, _, vh in (np.linalg.svd(layer, full_matrices=False) for layer in g)],
    }[norm]
    assert norms.NORMS[norm](best) == pytest.approx(1)
    assert norms.inner(best, g) == pytest.approx(norms.DUAL_NORMS[norm](g))
    for _ in range(50):
        u = [source.randn(3, 4), source.randn(1, 3)]
        assert norms.inner(u, g) <= norms.NORMS[norm](u) * norms.DUAL_NORMS[norm](g) + 1e-12


@pytest.mark.parametrize("norm", norms.NORMS)
def test_margins_by_hand_and_free_of_scale(norm: str) -> None:
    net = network(activation="squared_relu")
    weights, x = drawn(net, (3,))
    f, y = outputs(net, weights, x), np.sign(np.random.RandomState(3).randn(len(x)))
    found = margins.margin(norm, f * y, weights, net.leading_degree)
    assert found == pytest.approx((f * y).min(-1) / norms.NORMS[norm](weights) ** 3)
    scaled = [1.7 * w for w in weights]
    assert margins.margin(norm, outputs(net, scaled, x) * y, scaled, net.leading_degree) == pytest.approx(found)


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
@pytest.mark.parametrize("size", [1e-3, 1.0, 20.0, 1e3, 1e6])
def test_soft_margins_lie_below_margins_by_at_most_log_n(loss: str, size: float) -> None:
    source = np.random.RandomState(0)
    q = size * (0.5 + source.rand(4, 7))
    weights = [np.ones((4, 1, 1))]
    hard = margins.margin("l2", q, weights, 1)
    soft = margins.soft_margin("l2", q, np.ones(4), weights, 1, loss)
    assert (soft <= hard * (1 + 1e-12)).all()
    if loss == "exponential" or size >= 20:  # the logistic loss is exponential for large margins only
        assert (soft >= hard - np.log(7) - 1e-3).all()
    doubled = margins.soft_margin("l2", 2 * q, np.full(4, 2.0), weights, 1, loss)
    assert doubled == pytest.approx(2 * soft)  # at label scale a, a times the soft margin of f/a


@pytest.mark.parametrize("q", [-3.0, 0.2, 12.0, 29.0, 31.0, 800.0])
def test_the_inverse_of_one_points_loss_is_its_margin(q: float) -> None:
    for inverse in margins.INVERSE_LOSSES.values():
        assert inverse(np.array([q])) == pytest.approx(q, rel=1e-6)


@pytest.mark.parametrize(("name", "loss"), [("exponential", losses.exponential), ("logistic", losses.log_logistic)])
def test_the_losss_direction_is_its_own_gradient(name: str, loss: object) -> None:
    """The ascent direction is minus the gradient of the log loss that training differentiates."""
    net = network(depth=3)
    weights, x = drawn(net, (2,))
    y, scale = np.sign(np.random.RandomState(4).randn(len(x))), np.array([1.0, 2.5])
    own = [torch.tensor(w, requires_grad=True) for w in weights]
    f = forward(net, own, torch.tensor(x).expand(2, -1, -1))
    loss(f, torch.tensor(y).expand(2, -1), torch.tensor(scale)).sum().backward()
    tangents = tangents_of(net, weights, x, y, losses.margins)
    found = loss_direction(tangents, f.detach().numpy() * y, scale, name)
    for member in range(2):
        ours = np.concatenate([layer[member].ravel() for layer in found.ascent])
        theirs = -np.concatenate([w.grad[member].numpy().ravel() for w in own])
        assert ours / np.linalg.norm(ours) == pytest.approx(theirs / np.linalg.norm(theirs), rel=1e-9, abs=1e-12)
    assert found.weights.sum(-1) == pytest.approx(1)


def fitted(net: Network) -> tuple[list[Tangent], np.ndarray]:
    """Tangents of the margins and the margins of a random network that labels its points itself."""
    weights, x = drawn(net, (2,))
    f = outputs(net, weights, x)
    return tangents_of(net, weights, np.stack([x, x]), np.sign(f), losses.margins), np.abs(f)


@pytest.mark.parametrize("norm", norms.NORMS)
@pytest.mark.parametrize(
    "net",
    [network(width=12), network(width=12, activation="squared_relu"), network(width=12, output="signs")],
    ids=["relu", "squared relu", "signs"],
)
def test_bregman_residual_is_one_minus_alignment(norm: str, net: Network) -> None:
    """D = |t|^2 (1 - beta) (Tsilivis et al. 2025), computed from the definition."""
    tangents, q = fitted(net)
    given = loss_direction(tangents, q, np.ones(2), "exponential")
    beta = kkt.alignment(norm, tangents, given)
    size = norms.NORMS[norm]([t.weight for t in tangents]) * q.min(-1) ** (-1 / net.leading_degree)
    divergence = kkt.bregman(norm, tangents, given, net.leading_degree)
    assert divergence == pytest.approx(size**2 * (1 - beta), rel=1e-9)
    assert (beta <= 1 + 1e-12).all()
    assert kkt.bregman(norm, tangents, given._replace(q=-given.q), net.leading_degree) == pytest.approx(
        [NAN] * 2, nan_ok=True
    )
    if norm == "l2":
        stationarity = kkt.kkt_stationarity(tangents, given)
        assert divergence == pytest.approx((stationarity * size) ** 2 / 2, rel=1e-9)


def test_alignment_is_minus_the_slope_of_the_loss_along_the_weights() -> None:
    """sum_i w_i q_i M = <theta, ascent> (Euler), so that beta > 0 for every fitted homogeneous network."""
    net = network(depth=3)
    tangents, q = fitted(net)
    given = loss_direction(tangents, q, np.ones(2), "exponential")
    expected = 3 * (given.weights * q).sum(-1)
    assert norms.inner([t.weight for t in tangents], given.ascent) == pytest.approx(expected, rel=1e-12)


def linear_kkt() -> tuple[np.ndarray, np.ndarray, np.ndarray, Network]:
    """A separable linear problem, its max-margin vector by scikit-learn, and the network."""
    source = np.random.RandomState(5)
    x = source.randn(12, 5) + 1.5 * np.array([1, 1, 0, 0, 0])
    y = np.where(source.rand(12) < 0.5, 1.0, -1.0)
    x *= y[:, None]
    machine = LinearSVC(C=1e8, loss="hinge", fit_intercept=False, max_iter=10**7, tol=1e-10).fit(x, y)
    return x, y, machine.coef_[0], network(5, depth=1, activation="linear")


def test_hard_margin_is_scikit_learns() -> None:
    x, y, w, _ = linear_kkt()
    found = optima.hard_margin(x * y[:, None])
    assert found == pytest.approx(w, rel=1e-3, abs=1e-4)
    assert (x * y[:, None] @ found).min() == pytest.approx(1)
    assert 1e6 * optima.hard_margin(1e6 * x * y[:, None]) == pytest.approx(found)
    assert np.isnan(optima.hard_margin(np.array([[1.0, 0.0], [-1.0, 0.0]]))).all()


def test_residuals_vanish_at_the_max_margin_vector() -> None:
    x, y, w, net = linear_kkt()
    w = optima.hard_margin(x * y[:, None])
    far = w + np.array([0.5, -0.5, 0.2, 0, 0])
    for vector, near in ((w, True), (far, False)):
        weights = [40 * vector[None, None]]  # large, as after long training: the slopes see the support points only
        tangents, q = tangents_of(net, weights, x, y, losses.margins), (x @ (40 * vector) * y)[None]
        residual = kkt.nnls_residual(tangents, q)
        assert (residual < 1e-6).all() == near
        if near:
            at = {"train_inputs": x, "train_labels": y}
            assert optima.svm_cosine(weights, **at) == pytest.approx(1)
            assert optima.svm_norm_ratio(weights, **at, train_margins=q) == pytest.approx(1)
            assert optima.margin_l2_share(tangents, q, weights) == pytest.approx(1)
        else:
            assert optima.margin_l2_share(tangents, q, weights) < 0.99
    tangents = tangents_of(net, [w[None, None]], x, y, losses.margins)
    slack = kkt.kkt_slackness(tangents, loss_direction(tangents, (x @ w * y)[None], np.ones(1), "exponential"), 1)
    lam = np.exp(-(x @ w) * y) / np.exp(-(x @ w) * y).sum()
    v = (lam * y) @ x
    q = x @ w * y
    expected = np.linalg.norm(w) / np.linalg.norm(v) / q.min() * (lam * (q / q.min() - 1)).sum()
    assert slack == pytest.approx(expected)


def test_largest_margin_linf_is_an_optimum() -> None:
    x, y, _, _ = linear_kkt()
    best = optima.largest_margin_linf(x * y[:, None])
    source = np.random.RandomState(0)
    points = x * y[:, None]
    assert all((points @ np.clip(2 * source.randn(5), -1, 1)).min() <= best + 1e-9 for _ in range(2000))
    found = minimize(lambda v: -(points @ np.clip(v, -1, 1)).min(), np.array([1.0, 1, 0, 0, 0]), method="Nelder-Mead")
    assert -found.fun <= best + 1e-9
    assert optima.margin_linf_share([np.ones((2, 1, 5))], x, y) == pytest.approx(points.sum(1).min() / best)


def test_what_no_linear_function_fits_has_no_largest_margin() -> None:
    """Two equal points of opposite labels: the best margin is 0, and a share of it is no number."""
    x, y = np.array([[1.0, 2.0], [1.0, 2.0]]), np.array([1.0, -1.0])
    assert np.isnan(optima.largest_margin_linf(x * y[:, None]))
    assert np.isnan(optima.margin_linf_share([np.ones((2, 1, 2))], x, y)).all()


def test_a_linear_program_that_fails_is_an_error(monkeypatch) -> None:
    monkeypatch.setattr(optima, "linprog", lambda *_, **__: OptimizeResult(status=4, fun=None, message="no luck"))
    with pytest.raises(NumericalError, match="no luck"):
        optima.largest_margin_linf(np.eye(2))


def test_kernel_machine_is_scikit_learns() -> None:
    """The tangent margin of random features is the margin of the SVM with that kernel (no intercept by symmetry)."""
    net = network(output="random_features", width=40)
    weights, x = drawn(net, n=10)
    y = np.sign(np.random.RandomState(6).randn(10))
    kernel = gram(tangents_of(net, weights, x))
    doubled = np.block([[kernel, -kernel], [-kernel, kernel]])  # each point and its mirror image: the intercept is 0
    machine = SVC(kernel="precomputed", C=1e12, tol=1e-10).fit(doubled, np.concatenate([y, -y]))
    alpha = np.zeros(20)
    alpha[machine.support_] = machine.dual_coef_[0]
    margin = 1 / np.sqrt(alpha @ doubled @ alpha)
    assert optima.tangent_margin(tangents_of(net, weights, x, y, losses.margins)) == pytest.approx(margin, rel=1e-4)


def test_two_layer_optimum_has_the_margins_and_the_least_norm() -> None:
    """Nearly orthogonal points: all margins 1, no random feasible step is shorter, and rows come in two kinds."""
    source = np.random.RandomState(7)
    x, y = source.randn(6, 400), np.array([1.0, -1, 1, 1, -1, -1])
    signs = np.where(np.arange(10) < 4, 1, -1) / np.sqrt(10)
    w = optima.two_layer_optimum(x, y, signs, 0.3)
    net = network(400, activation="plain_leaky_relu", slope=0.3, output="signs", width=10)
    f = outputs(net, [w, signs[None]], x)
    assert f * y == pytest.approx(np.ones(6))
    assert np.linalg.matrix_rank(w) == 2
    assert optima.optimum_cosine([w[None], signs[None, None]], x, y, net) == pytest.approx(1)
    for _ in range(200):
        other = w + 0.1 * source.randn(*w.shape) @ np.linalg.pinv(x) @ x
        q = outputs(net, [other, signs[None]], x) * y
        assert q.min() <= 0 or np.linalg.norm(other) / q.min() >= np.linalg.norm(w) * (1 - 1e-9)


def test_directions_of_a_straight_path_and_of_an_arc() -> None:
    t = np.linspace(0, np.pi / 2, 200)
    arc = [np.stack([np.cos(t), np.sin(t)], axis=-1)[:, None, :] * (1 + t[:, None, None])]
    assert directions.path_length(arc)[[0, -1]] == pytest.approx([0, np.pi / 2], rel=1e-4)
    assert directions.direction_cosine(arc) == pytest.approx(np.cos(np.pi / 2 - t), abs=1e-12)
    straight = [np.arange(1.0, 5)[:, None, None] * np.ones((4, 2, 3))]
    assert directions.path_length(straight) == pytest.approx(np.zeros(4))
    assert directions.path_alignment(straight)[1:] == pytest.approx(np.ones(3))
    assert np.isnan(directions.path_alignment(straight)[0])
    circle = [np.stack([np.cos(t), np.sin(t)], axis=-1)[:, None, :]]
    assert abs(directions.path_alignment(circle)[1:]).max() < 0.01


def test_neurons_by_hand() -> None:
    w = np.array([[[3.0, 4.0], [0.0, 0.0]], [[5.0, 0.0], [0.0, 1.0]]])  # two checkpoints of two neurons
    v = np.array([[[5.0, -1.0]], [[2.0, -1.0]]])
    both = [w, v]
    assert neurons.neuron_norm(both).tolist() == [[5, 0], [5, 1]]
    assert neurons.balancedness(both) == pytest.approx([1 / 51, 21 / 31])
    assert neurons.rotation(both)[1] == pytest.approx((10 * (1 - 0.6) + 1 * 1) / 11)
    assert neurons.neuron_angle(both)[1, 0] == pytest.approx(np.arccos(0.6))
    x, y = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, -1.0]]), np.array([1.0, 1.0, -1.0])
    assert neurons.class_alignment(both, x, y) == pytest.approx([0.6, (10 - 1) / 11])


def test_small_angles_keep_their_digits() -> None:
    w = np.array([[[1.0, 0.0]], [[1.0, 1e-9]]])
    assert neurons.neuron_angle([w, np.ones((2, 1, 1))])[1, 0] == pytest.approx(1e-9, rel=1e-6)


def test_singular_values_of_known_spectra() -> None:
    source = np.random.RandomState(0)
    left, right = np.linalg.qr(source.randn(6, 3))[0], np.linalg.qr(source.randn(4, 3))[0]
    first = left * [4.0, 2.0, 1.0] @ right.T
    second = 5 * left[:, :1].T  # aligned with the first layer's first left vector
    weights = [first[None], second[None]]
    assert rank.second_singular_value(weights)[0] == pytest.approx([0.5, 0])
    assert rank.third_singular_value(weights)[0] == pytest.approx([0.25, 0])
    assert rank.layer_alignment(weights)[0] == pytest.approx([1, NAN], nan_ok=True)
    crossed = [first[None], left[:, 1:2].T[None]]
    assert rank.layer_alignment(crossed)[0] == pytest.approx([0, NAN], nan_ok=True, abs=1e-12)
    signs = np.array([1.0, 1, -1, -1, 1, 1])[None, None]
    rows = np.where(signs[0, 0] > 0)[0]
    expected = (first[rows] ** 2).sum() / np.linalg.norm(first[rows], 2) ** 2
    assert rank.positive_stable_rank([first[None], signs]) == pytest.approx(expected)


def test_mean_field_margins_by_hand() -> None:
    weights = [np.array([[[3.0, 4.0], [0.0, 1.0]]]), np.array([[[1.0, -2.0]]])]
    q = np.array([[6.0, 8.0]])
    assert margins.margin_f1(q, weights) == pytest.approx(6 * 2 / (25 + 1 + 1 + 4))
    assert margins.margin_f2(q, weights) == pytest.approx(6 * np.sqrt(2) / np.sqrt(5))
    assert margins.margin_ratio(q) == pytest.approx(0.75)
    assert margins.support_count(q, np.ones(1)) == pytest.approx(2)
    assert margins.support_count(q, np.full(1, 0.5)) == pytest.approx(1)
    assert np.isnan(margins.support_count(q * NAN, np.ones(1)))
    assert margins.margin_layers(q, np.array([[3.0, 2.0]])) == pytest.approx(1)


@pytest.mark.parametrize(
    "changes",
    [
        {"activation": "gelu"}, {"activation": "silu", "bias": "all"}, {"bias": "all"},
        {"depth": 3, "residual": True}, {"depth": 3, "residual": True, "activation": "leaky_relu", "slope": 0.2},
        {"depth": 3, "residual": True, "bias": "first"},
    ],
    ids=str,
)  # fmt: skip
def test_modified_margin_subtracts_a_bound_on_the_defect(changes: dict) -> None:
    """|<grad f, theta> - M f| <= p(|theta|) on random networks of all sizes, where p is what the margin lacks."""
    net = network(**changes)
    x = drawn(net)[1]
    x /= np.linalg.norm(x, axis=1).max()
    for size in (0.1, 1.0, 10.0):
        weights = [size * w for w in drawn(net, (50,))[0]]
        f = outputs(net, weights, x)
        norm, m = norms.l2(weights), net.leading_degree
        modified = homogeneity.modified_margin(f, x, np.ones(50), weights, m, "exponential", net)
        p = margins.INVERSE_LOSSES["exponential"](f) - modified * norm**m
        defect = abs(along_weights(tangents_of(net, weights, x)) - m * f).max(-1)
        assert (defect <= p * (1 + 1e-12)).all()


def test_the_bound_of_a_first_bias_counts_the_constant_input() -> None:
    """At inputs of norm 0.1 a network that lives on its bias is beyond the bound without the constant 1."""
    net = network(1, depth=3, residual=True, bias="first", width=1)
    x = np.full((1, 1), 0.1)
    weights = [np.array([[0.0, 1.0]]), np.zeros((1, 1)), np.ones((1, 1))]
    f = np.array([1.0])  # W3 phi(W1 (x, 1)), all of it of degree 2
    modified = homogeneity.modified_margin(f, x, ONE, weights, 3, "exponential", net)
    p = margins.INVERSE_LOSSES["exponential"](f) - modified * norms.l2(weights) ** 3
    assert p == pytest.approx(np.sqrt(1.01))
    assert p >= 1


def test_catalogue_says_what_metrics_need() -> None:
    for name, entry in METRICS.items():
        needs = set(inspect.signature(resolve(entry)).parameters)
        of_training = {
            "weights", "trained_weights", "input_slopes", "margin_slopes", "tangents", "output_tangents", "loss",
            "train_losses", "label_scales", "loss_margins", "loss_direction", "local_volume",
        }  # fmt: skip
        assert entry.trained == bool(needs & of_training), name
        of_losses = {"loss", "loss_margins", "loss_direction"}
        assert any("loss" in rule for rule in entry.only) == bool(needs & of_losses), name
        made = {*MAKERS, "network", *entry.arguments, *entry.coordinates}
        assert needs <= made, name


def test_the_inverse_loss_decreases_as_the_loss_rises() -> None:
    """Its gradient is the loss's over the slope at the inverse: checked by finite differences."""
    for loss, inverse in margins.INVERSE_LOSSES.items():

        def value(q: np.ndarray, inverse: Function = inverse) -> float:
            return float(inverse(q))

        def slope(q: np.ndarray, inverse: Function = inverse, log_slopes: Function = LOG_SLOPES[loss]) -> np.ndarray:
            return np.exp(log_slopes(q) - log_slopes(inverse(q)))

        assert check_grad(value, slope, np.array([0.3, 2.0, -1.0, 5.0])) < 1e-6


@pytest.mark.parametrize("net", NETWORKS.values(), ids=NETWORKS)
def test_input_slopes_are_autograds(net: Network) -> None:
    weights, x = drawn(net, (2, 3))
    found = slopes_of(net, weights, x)
    for at in np.ndindex(2, 3):
        points = torch.tensor(x, requires_grad=True)
        own = [torch.tensor(w[at])[None] for w in weights]
        forward(net, own, points).sum().backward()
        assert found[at] == pytest.approx(points.grad.numpy(), rel=1e-10, abs=1e-12)


def test_geometric_complexity_of_a_linear_map_is_its_squared_norm() -> None:
    net = network(depth=1, activation="linear", bias="all")
    weights, x = drawn(net, (3,))
    found = geometric_complexity(slopes_of(net, weights, x))
    assert found == pytest.approx((weights[0][..., 0, :-1] ** 2).sum(-1), rel=1e-12)


def test_boundary_distance_of_a_linear_map_is_the_distance_to_its_plane() -> None:
    weights, x = [np.array([[[3.0, 4.0]]])], np.array([[[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]])
    net = network(2, depth=1, activation="linear")
    outputs = x @ np.array([3.0, 4.0])
    slopes = slopes_of(net, weights, x)
    assert boundary_distance(outputs * [1.0, 1.0, -1.0], slopes) == pytest.approx([3 / 5])
    assert boundary_distance(0 * outputs, 0 * slopes) == pytest.approx([0])


def test_plane_outputs_are_the_networks_own() -> None:
    """On a grid in units of the largest first coordinate, the third coordinate at its mean; two seeds, one stack."""
    source = np.random.RandomState(0)
    weights = [source.randn(2, 4, 3), source.randn(2, 1, 4)]
    x = source.randn(2, 5, 3)
    net = network(3, width=4)
    at_y, at_x = np.array([-1.0, 0.5]), np.array([-1.0, 0.0, 1.0])
    found = plane_output(weights, x, net, at_y, at_x)
    assert found.shape == (2, 2, 3)
    for seed in range(2):
        unit = np.abs(x[seed, :, :2]).max()
        point = np.array([at_x[2] * unit, at_y[1] * unit, x[seed, :, 2].mean()])
        wanted = np.maximum(weights[0][seed] @ point, 0) @ weights[1][seed, 0]
        assert found[seed, 1, 2] == pytest.approx(wanted, rel=1e-12)
    labels = np.sign(source.randn(2, 5))
    points = plane_point(np.zeros((2, 5)), x, labels)
    assert np.abs(points[..., :2]).max((-1, -2)) == pytest.approx([1, 1])
    assert np.array_equal(points[..., 2], labels)
    assert points[0, 3, 0] == pytest.approx(x[0, 3, 0] / np.abs(x[0, :, :2]).max())
