"""Losses, optimizers, schedules of the learning rate, and targets."""

from collections.abc import Mapping
from typing import Any

from implicitbias.catalogue.entries import Entry, Loss, Optimizer
from implicitbias.catalogue.limits import CLASSES, SIGNS, Having, Limits
from implicitbias.catalogue.signatures import Bounds, parameters_of

LOSSES: dict[str, Loss] = {
    "norm": Loss(
        "implicitbias.losses:norm",
        "|f(X) - alpha t|_2 over the batch, t the targets (Bernstein & Yue 2021)",
        fits_targets=True,
    ),
    "square": Loss(
        "implicitbias.losses:square",
        "mean of (f(x) - alpha t)^2 over the batch (and classes), t the targets",
        fits_targets=True,
    ),
    "logistic": Loss(
        "implicitbias.losses:logistic",
        "mean of log(1 + exp(-q/alpha)) over the batch, q the margins: of labels +-1 the two-class cross-entropy of the"
        " logits (0, f(x)/alpha)",
        margin="logistic",
    ),
    "cross_entropy": Loss(
        "implicitbias.losses:cross_entropy",
        "mean of -ln softmax(f(x)/alpha)_y over the batch, y the class; of labels +-1 as logistic",
        margin="logistic",
        soft=True,
    ),
    "exponential": Loss(
        "implicitbias.losses:exponential",
        "log of the mean of exp(-q/alpha) over the batch, q the margins (log domain)",
        log_domain=True,
        margin="exponential",
    ),
    "log_logistic": Loss(
        "implicitbias.losses:log_logistic",
        "log of the mean of log(1 + exp(-q/alpha)) over the batch, q the margins (log domain)",
        log_domain=True,
        margin="logistic",
    ),
    "log_cross_entropy": Loss(
        "implicitbias.losses:log_cross_entropy",
        "log of cross_entropy (log domain)",
        log_domain=True,
        margin="logistic",
        soft=True,
    ),
    "hinge": Loss(
        "implicitbias.losses:hinge", "sum of max(0, 1 - q/alpha) over the batch, q the margins", vanishes=True
    ),
}


def _optimizer(function: str, summary: str, bounds: Mapping[str, Bounds] | None = None, **fields: Any) -> Optimizer:
    """An optimizer whose function says defaults and meanings of its parameters."""
    pointer = f"implicitbias.optimizers.{function}"
    return Optimizer(pointer, summary, parameters_of(pointer, bounds or {}), **fields)


_DECAY, _BELOW_1, _POSITIVE = Bounds(0), Bounds(0, 1, exclusive_maximum=True), Bounds(0, exclusive_minimum=True)
OPTIMIZERS: dict[str, Optimizer] = {
    "nero": _optimizer(
        "nero:nero",
        "Nero (Liu, Bernstein, Meister & Yue 2021): rows kept at mean 0 and norm 1, per-neuron normalised steps",
        {"beta": _BELOW_1, "constraint": Bounds(choices=("mean_free_unit", "mean_free", "unit"))},
        rows="constraint",
    ),
    "sgd": _optimizer(
        "sgd:sgd",
        "(stochastic) gradient descent; full batch by batch_size: full",
        {"weight_decay": _DECAY},
        equivariant=True,
        restartable=True,
    ),
    "momentum": _optimizer(
        "momentum:momentum",
        "heavy-ball momentum, v <- mu v + g, w <- w - lr v (torch.optim.SGD)",
        {"momentum": _BELOW_1, "weight_decay": _DECAY},
        equivariant=True,
    ),
    **{
        f"steepest_{norm}": _optimizer(
            f"steepest:{norm}",
            f"steepest descent in {what} (Tsilivis, Vardi & Kempe 2025)",
            {"power": Bounds(-1, 1), "decrease": Bounds(0)},
            equivariant=norm in ("l2", "spectral"),
            restartable=True,
        )
        for norm, what in (
            ("l2", "the 2-norm: gradient descent"),
            ("linf", "the largest entry: sign descent"),
            ("l1", "the sum of entries: coordinate descent (by the mean of two gradients)"),
            ("spectral", "the largest spectral norm of a layer: Muon and Shampoo without memory"),
        )
    },
    "shampoo": _optimizer(
        "shampoo:shampoo",
        "Shampoo (Gupta, Koren & Singer 2018): two preconditioners a layer, over all gradients so far",
        {"epsilon": _POSITIVE},
        equivariant=True,
    ),
    "agd": _optimizer(
        "agd:agd",
        "automatic gradient descent (Bernstein et al. 2023): steps from the architecture, no learning rate to choose",
        restartable=True,
    ),
    "adam": _optimizer(
        "adam:adam",
        "Adam (Kingma & Ba 2015), bias-corrected",
        {"beta1": _BELOW_1, "beta2": _BELOW_1, "epsilon": _POSITIVE},
    ),
}

_PLAIN_DESCENT: Limits = ({"loss": Having({"log_domain": (True,)}), "optimizer": ("sgd",)},)
SCHEDULES: dict[str, Entry] = {
    "decaying": Entry("implicitbias.training.schedules:decaying", "learning_rate decay^epoch step^-step_exponent"),
    "plain": Entry(
        "implicitbias.training.schedules:plain",
        "as decaying, of the loss itself where its logarithm is differentiated",
        only=_PLAIN_DESCENT,
    ),
    "scale_free": Entry(
        "implicitbias.training.schedules:scale_free",
        "as decaying, times max(1, |theta|/sqrt(m))^(2 - M), M the degree of homogeneity (Chizat & Bach 2020)",
    ),
    "steady": Entry(
        "implicitbias.training.schedules:steady",
        "as decaying, times (|theta|/|theta_0|)^(2 - 2M), theta_0 the initial weights: for losses in the log domain",
    ),
    "loss_based": Entry(
        "implicitbias.training.schedules:loss_based",
        "steps of a/L: the mean loss L; a starts at learning_rate, grows after an epoch that lowered L, else the epoch"
        " is taken back and a shrinks (Lyu & Li 2020)",
        only=_PLAIN_DESCENT,
    ),
}

TARGETS: dict[str, Entry] = {
    "labels": Entry(
        "implicitbias.training.targets:labels", "the labels +-1; of C classes 1 - 1/C for the own class, else -1/C"
    ),
    "one_hot": Entry(
        "implicitbias.training.targets:one_hot", "of several classes 1 for the own class, else 0", only=(CLASSES,)
    ),
    "spherised": Entry(
        "implicitbias.training.spherised:spherised",
        "|N(0, 1)| |K|^(1/2n) times the label, drawn for every network and point",
        only=({"loss": Having({"fits_targets": (True,)}), **SIGNS},),
    ),
}
"""What networks are trained to, times the label scale."""

PER_MEMBER = ("label_scale", "learning_rate", "decay", "step_exponent", "init_scale")
"""Parameters of training that may differ between the members of one ensemble."""
