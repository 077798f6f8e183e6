"""Tasks with classes through losses, training, sampling and metrics: against autograd, loops and the binary case."""

from math import factorial

import numpy as np
import pytest
import torch
import xarray as xr

import complete
from implicitbias import losses
from implicitbias.catalogue import LOSSES, METRICS, OPTIMIZERS, resolve
from implicitbias.measurement import arrays, errors
from implicitbias.measurement.measure import measure
from implicitbias.measurement.tangents import along_weights, gram, slopes_of, tangents_of
from implicitbias.networks import network_of
from implicitbias.networks.stacked import forward
from implicitbias.sampling import sample
from implicitbias.tasks.build import build
from implicitbias.training.run import train

NAN = float("nan")
COUNT = 4
SETTINGS = complete.training(
    optimizer="sgd", learning_rate=0.05, loss="cross_entropy", batch_size=5, epochs=6, members=3, checkpoints=[0, 4, 24]
)


@pytest.fixture(scope="module")
def task(tmp_path_factory) -> xr.Dataset:
    return build(
        source="digits", labels="digit", classes=COUNT, train_size=18, test_size=30, seed=[0, 3],
        raw_dir=tmp_path_factory.mktemp("raw"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(task) -> xr.Dataset:
    return train(task, network=complete.network(width=30), training=SETTINGS, ensemble={"label_scale": [0.5, 2.0]})


def one_hot(classes: np.ndarray, count: int = COUNT) -> np.ndarray:
    return np.eye(count)[classes.astype(int)]


def by_loop(outputs: np.ndarray, classes: np.ndarray) -> np.ndarray:
    found = np.empty(outputs.shape[:-1])
    for at in np.ndindex(found.shape):
        true = int(classes[at])
        found[at] = outputs[at][true] - max(np.delete(outputs[at], true))
    return found


def test_margins_are_those_of_a_loop_and_of_labels_the_product() -> None:
    source = np.random.RandomState(0)
    outputs, classes = source.randn(3, 7, COUNT), source.randint(COUNT, size=(3, 7))
    expected = by_loop(outputs, classes)
    assert np.array_equal(arrays.margins(outputs, classes.astype(float)), expected)
    assert np.array_equal(losses.margins(torch.tensor(outputs), torch.tensor(one_hot(classes))).numpy(), expected)
    y, f = np.sign(source.randn(3, 7)), source.randn(3, 7)
    assert np.array_equal(arrays.margins(f, y), f * y)
    assert np.array_equal(losses.margins(torch.tensor(f), torch.tensor(y)).numpy(), f * y)
    soft = arrays.soft_margins(outputs, classes.astype(float))
    assert (soft <= expected).all()
    assert (soft >= expected - np.log(COUNT - 1) - 1e-12).all()
    again = losses.soft_margins(torch.tensor(outputs), torch.tensor(one_hot(classes)))
    assert again.numpy() == pytest.approx(soft, rel=1e-12)


def test_cross_entropy_is_torchs_and_of_two_classes_the_logistic_loss() -> None:
    source = np.random.RandomState(1)
    outputs, classes = torch.tensor(source.randn(2, 9, COUNT)), torch.tensor(source.randint(COUNT, size=(2, 9)))
    targets, alpha = torch.eye(COUNT, dtype=torch.float64)[classes] - 1 / COUNT, torch.tensor([0.5, 3.0]).double()
    found = losses.cross_entropy(outputs, targets, alpha)
    expected = [torch.nn.functional.cross_entropy(f / a, y) for f, a, y in zip(outputs, alpha, classes, strict=True)]
    assert found.numpy() == pytest.approx(torch.stack(expected).numpy(), rel=1e-12)
    assert losses.log_cross_entropy(outputs, targets, alpha).exp().numpy() == pytest.approx(found.numpy(), rel=1e-12)
    two, y = outputs[..., :2], (2 * (classes % 2) - 1).double()
    of_two = torch.eye(2, dtype=torch.float64)[classes % 2] - 1 / 2
    binary = two[..., 1] - two[..., 0]
    for name in ("logistic", "cross_entropy", "exponential", "log_logistic", "log_cross_entropy", "hinge"):
        loss = getattr(losses, name)
        assert loss(two, of_two, alpha).numpy() == pytest.approx(loss(binary, y, alpha).numpy(), rel=1e-12), name


def test_losses_on_targets_are_distances_to_them() -> None:
    source = np.random.RandomState(2)
    outputs, targets = torch.tensor(source.randn(2, 5, 3)), torch.tensor(source.randn(2, 5, 3))
    alpha = torch.tensor([0.5, 3.0]).double()
    gap = (outputs - alpha[:, None, None] * targets).numpy()
    assert losses.norm(outputs, targets, alpha).numpy() == pytest.approx(np.sqrt((gap**2).sum((1, 2))))
    assert losses.square(outputs, targets, alpha).numpy() == pytest.approx((gap**2).mean((1, 2)))


@pytest.mark.parametrize("name", LOSSES)
def test_a_member_is_its_solo_run(task, name: str) -> None:
    settings = {**SETTINGS, "loss": name, "learning_rate": 0.01}
    network = complete.network(width=6, depth=3)
    whole = train(task, network=network, training=settings, ensemble={"label_scale": [0.5, 2.0]})
    assert whole.train_output.dims[-2:] == ("train_point", "class")
    assert np.isfinite(whole.test_output).all()
    part = train(
        task, network=network, training={**settings, "label_scale": 2.0, "members": 2}, ensemble={}, memory_bytes=1
    )
    rounding = 1e-5 if LOSSES[name].margin == "logistic" else 0  # torch's logarithm rounds by where a number stands
    for kept in ("train_output", "test_output", "train_loss", "weight_0"):
        same = whole[kept].sel(label_scale=2.0, member=[0, 1]).values
        assert part[kept].values == pytest.approx(same, rel=rounding, abs=rounding), kept


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_lowers_the_loss(task, optimizer: str) -> None:
    rate = {"nero": 0.02, "adam": 0.01, "steepest_linf": 0.003, "steepest_l1": 0.03, "shampoo": 0.01}.get(
        optimizer, 0.05
    )
    settings = complete.training(
        optimizer=optimizer, learning_rate=rate, loss="cross_entropy", batch_size="full", epochs=60, checkpoints=[0, 60]
    )
    found = train(task, network=complete.network(width=16), training=settings, ensemble={})["train_loss"]
    assert (found.isel(step=1) < found.isel(step=0)).all()


@pytest.mark.parametrize("architecture", ["mlp", "cnn", "resnet"])
def test_large_steps_fit_all_classes(task, architecture: str) -> None:
    settings = complete.training(
        optimizer="adam", learning_rate=0.01, loss="cross_entropy", batch_size="full", epochs=150, stop="fitted"
    )
    run = train(task, network=complete.network(architecture=architecture, width=16), training=settings, ensemble={})
    assert (measure(task, run, ["train_error"])["train_error"] == 0).all()
    assert (run.stop_reason == "fitted").all()


def test_one_hot_targets_are_those_of_the_class(task) -> None:
    settings = complete.training(optimizer="adam", learning_rate=0.01, loss="square", batch_size="full", epochs=800)
    for rule, low in (("one_hot", 0), ("labels", -1 / COUNT)):
        run = train(task, network=complete.network(width=64), training={**settings, "targets": rule}, ensemble={})
        expected = one_hot(task.train_label.values) + low
        assert run.train_output.values[:, 0, 0] == pytest.approx(expected, abs=0.03)


def test_errors_count_what_is_not_the_largest_output(task, run) -> None:
    found = measure(task, run, ["train_error", "test_error", "test_error_by_point", "smallest_margin", "vote_error"])
    wrong = (run.test_output.argmax("class") != task.test_label).transpose(*found.test_error_by_point.dims)
    assert np.array_equal(found.test_error_by_point, wrong)
    assert found.test_error.values == pytest.approx(wrong.mean("test_point").values)
    classes = np.broadcast_to(task.train_label.values[:, None, None, None], run.train_output.shape[:-1])
    margin = by_loop(run.train_output.values, classes)
    assert found.smallest_margin.values == pytest.approx(margin.min(-1))
    assert found.vote_error.dims == ("seed", "label_scale", "step")


def test_votes_and_averages_of_classes_by_hand() -> None:
    """Three networks on three points of class 0; a tie is wrong, a diverged network has no vote."""
    outputs = np.zeros((3, 3, 3))
    outputs[[0, 1, 2], 0, [0, 0, 1]] = 1, 1, 5  # two votes of three, outvoted in the mean
    outputs[[0, 1, 2], 1, [0, 1, 2]] = 3, 1, 1  # a tie, but the loudest is right
    outputs[[0, 1, 2], 2, [1, 1, 0]] = 1, 1, 1
    labels = np.zeros((1, 3))
    assert errors.vote_error(outputs, labels) == pytest.approx(2 / 3)
    assert errors.average_error(outputs, labels, np.array([3])) == pytest.approx([2 / 3])
    with_diverged = np.concatenate([outputs, np.full((1, 3, 3), NAN)])
    assert errors.vote_error(with_diverged, labels) == pytest.approx(2 / 3)
    assert np.isnan(errors.vote_error(np.full((2, 3, 3), NAN), labels))
    each = errors.average_error(with_diverged, labels, np.array([1, 8]))
    assert each == pytest.approx([(1 / 3 + 2 / 3 + 2 / 3) / 3, NAN], nan_ok=True)


NETS = {
    "dense": network_of({"activation": "plain_relu", "width": 5, "depth": 3}, 4, outputs=3),
    "convolutions": network_of({"architecture": "cnn", "width": 3, "activation": "plain_relu"}, (1, 4, 4), outputs=3),
}


@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
@pytest.mark.parametrize("soft", [False, True])
def test_tangents_and_slopes_of_margins_are_the_jacobian(net, soft: bool) -> None:
    source = np.random.RandomState(3)
    values = losses.soft_margins if soft else losses.margins
    weights, x = [source.randn(2, *shape) for shape in net.shapes], source.randn(2, 6, net.features)
    targets = one_hot(source.randint(3, size=(2, 6)), 3)
    found, slopes = tangents_of(net, weights, x, targets, values), slopes_of(net, weights, x, targets, values)
    for member in range(2):
        own, points = tuple(torch.tensor(w[member])[None] for w in weights), torch.tensor(x[member])

        def q(points: torch.Tensor, *own: torch.Tensor, member: int = member) -> torch.Tensor:
            return values(forward(net, own, points), torch.tensor(targets[member])[None])[0]

        jacobians = torch.autograd.functional.jacobian(q, (points, *own))
        flat = np.hstack([j.reshape(6, -1) for j in jacobians[1:]])
        theta = np.concatenate([w.numpy().ravel() for w in own])
        assert gram(found)[member] == pytest.approx(flat @ flat.T, rel=1e-9, abs=1e-11)
        assert along_weights(found)[member] == pytest.approx(flat @ theta, rel=1e-9, abs=1e-11)
        assert slopes[member] == pytest.approx(jacobians[0].numpy()[np.arange(6), np.arange(6)], rel=1e-9, abs=1e-11)


@pytest.mark.parametrize("name", ["exponential", "log_logistic", "log_cross_entropy"])
def test_the_metrics_loss_direction_is_the_gradient_of_the_loss(task, name: str) -> None:
    """kkt_stationarity and alignment of a run against the gradient of the very loss that training differentiates."""
    settings = {**SETTINGS, "loss": name, "learning_rate": 0.02, "dtype": "float64"}
    run = train(task, network=complete.network(width=30), training=settings, ensemble={"label_scale": [0.5, 2.0]})
    found = measure(task, run, ["alignment_l2", "kkt_stationarity", "euler_defect", "kkt_slackness", "soft_margin_l2"])
    net = network_of(complete.network(width=30), 64, outputs=COUNT)
    loss = resolve(LOSSES[name])
    targets = torch.tensor(one_hot(task.train_label.values) - 1 / COUNT)
    for at in np.ndindex(2, 2, 3):
        where = dict(zip(("seed", "label_scale", "member"), at, strict=True)) | {"step": 2}
        own = [torch.tensor(run[f"weight_{k}"].isel(where).values[None], requires_grad=True) for k in range(2)]
        f = forward(net, own, torch.tensor(task.train_input.isel(seed=at[0]).values))
        loss(f, targets[at[0]][None], torch.tensor([run.label_scale.values[at[1]]])).sum().backward()
        theta, ascent = (torch.cat([w.ravel() for w in ws]) for ws in (own, [-w.grad for w in own]))
        cosine = float((theta * ascent).sum().detach() / theta.detach().norm() / ascent.norm())
        assert float(found["alignment_l2"].isel(where)) == pytest.approx(cosine, rel=1e-9)
        assert float(found["kkt_stationarity"].isel(where)) == pytest.approx(np.sqrt(2 - 2 * cosine), rel=1e-7)
    assert (found["euler_defect"] < 1e-12).all()


def test_geometric_complexity_of_a_linear_map_counts_all_outputs(task) -> None:
    settings = {**SETTINGS, "dtype": "float64", "checkpoints": "final"}
    network = complete.network(depth=1, activation="linear")
    run = train(task, network=network, training=settings, ensemble={})
    found = measure(task, run, ["geometric_complexity"])["geometric_complexity"]
    assert found.values == pytest.approx((run.weight_0**2).sum(("neuron_0", "input_0")).values, rel=1e-12)


def test_metrics_for_labels_of_both_kinds_are_finite(task) -> None:
    """Every metric that the catalogue allows for classes can be measured on them."""
    settings = {**SETTINGS, "optimizer": "adam", "learning_rate": 0.01, "epochs": 50, "checkpoints": [0, 200]}
    settings |= {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    known = {**complete.network(width=30), **settings, "labels": "digit", "stage": "training"}
    names = [name for name, entry in METRICS.items() if not entry.misfit(known)]
    run = train(task, network=complete.network(width=30), training=settings, ensemble={})
    found = measure(task, run, names)
    assert len(names) > 30
    for name in names:
        assert found[name].notnull().any(), name


def test_random_networks_of_several_classes(task) -> None:
    """Two points of two classes out of three: accepted at the rate of the labelling, or of all its renamings."""
    few = task.isel(train_point=[0, 1, 2], seed=[0])
    few["train_label"] = (("seed", "train_point"), np.array([[0, 2, 2]]))
    few.attrs = task.attrs
    draws = 4000
    found = {
        flip: sample(few, network=complete.network(width=30), sampling={"draws": draws, "flip": flip})
        for flip in (False, True)
    }
    for run in found.values():
        assert (measure(few, run, ["train_error"])["train_error"].dropna("draw") == 0).all()
        assert run.train_output.dims == ("seed", "draw", "train_point", "class")
    plain, renamed = (float(found[flip].acceptance.item()) for flip in (False, True))
    renamings = factorial(COUNT) / factorial(COUNT - 2)
    stderr = np.hypot(renamings * np.sqrt(plain / draws), np.sqrt(renamed / draws))
    assert abs(renamings * plain - renamed) < 4 * stderr
