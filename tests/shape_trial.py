"""Every stage on a few points: what `test_shapes` runs with all shapes checked."""

from pathlib import Path

import torch

import complete
from implicitbias.catalogue import ESTIMATORS, METRICS, OPTIMIZERS
from implicitbias.experiments.run import run
from implicitbias.measurement.measure import measure
from implicitbias.nngp import cone, orthant
from implicitbias.nngp.evaluate import evaluate
from implicitbias.sampling import sample
from implicitbias.tasks.build import build
from implicitbias.training.run import train

SIGNS, CLASSES = (
    build(source="digits", labels=labels, train_size=8, test_size=5, seed=[0, 1], raw_dir=Path("data/raw"), **more)
    for labels, more in (("decimal", {}), ("digit", {"classes": 3}))
)
CNN = {"architecture": "cnn", "depth": 3, "width": 16}
SEPARABLE = {"optimizer": "sgd", "learning_rate": 0.01, "dtype": "float64"}
MEASURED = [
    (SIGNS, {"activation": "plain_relu"}),
    (SIGNS, {"activation": "plain_leaky_relu", "output": "signs"}),
    (SIGNS, {"depth": 1}),
    (CLASSES, {"rows": "mean_free_unit"}),
    (CLASSES, CNN | {"width": 2}),
]


def trained(task, network, **given):
    """Networks after two steps an epoch, of two label scales."""
    training = {"epochs": 2, "batch_size": 4, "members": 1, "checkpoints": [0, 2, 4]} | given
    return train(task, network=network, training=complete.training(**training), ensemble={"label_scale": [0.5, 2.0]})


for name in OPTIMIZERS:
    trained(SIGNS, complete.network(width=4), optimizer=name)
for name in ("loss_based", "steady", "scale_free", "plain"):
    trained(SIGNS, complete.network(width=4), schedule=name, optimizer="sgd", loss="log_logistic")
trained(SIGNS, complete.network(width=4), targets="spherised", stop="fitted", until_fit="sgd", optimizer="steepest_l2")

for task, given in MEASURED:
    kind = {"labels": "digit", "loss": "cross_entropy"} if task is CLASSES else {"labels": "decimal"}
    network, settings = complete.network(**({"width": 4} | given)), SEPARABLE | {"loss": kind.get("loss", "logistic")}
    fitting = {**network, **complete.training(**settings), **kind}
    metrics = [metric for metric, entry in METRICS.items() if not entry.misfit(fitting)]
    measure(task, trained(task, network, **settings, checkpoints=[0, 4]), metrics)

for task, given in ((SIGNS, {"rows": "mean_free_unit"}), (CLASSES, CNN)):
    accepted = sample(task, network=complete.network(width=4), sampling={"draws": 200, "flip": True})
    measure(task, accepted, ["vote_error", "average_error", "test_error"])
    evaluate(
        task, network=complete.network(**given), estimators=[*ESTIMATORS], draws=64, samples=64, delta=0.01,
        constant="tight", posterior=True, label_scale=[0.1, 1.0], ray_samples=8, lazy=True, by_point=True,
    )  # fmt: skip
kernel = torch.eye(6, dtype=torch.float64) + 1
cone.log_probability(kernel, torch.arange(6.0) % 3, "structured", class_count=3, samples=256, keep_samples=True)
orthant.log_probabilities(kernel.expand(2, 1, 6, 6), torch.ones(2, 6).cumsum(0) * 2 - 3, samples=256)

run(name="calibration", seed=0, estimator="mixture", problems=2, samples=64)
