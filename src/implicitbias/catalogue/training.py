"""Losses, optimizers, schedules of the learning rate, and targets."""

from implicitbias.catalogue.entries import Entry, Loss, Optimizer, Parameter
from implicitbias.catalogue.limits import CLASSES, SIGNS, Having, Limits

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

_DECAY = Parameter(0.0, "weight decay: lambda of a penalty (lambda/2) |w|^2", 0)
OPTIMIZERS: dict[str, Optimizer] = {
    "nero": Optimizer(
        "implicitbias.optimizers.nero:nero",
        "Nero (Liu, Bernstein, Meister & Yue 2021): rows kept at mean 0 and norm 1, per-neuron normalised steps",
        {
            "beta": Parameter(0.999, "decay of the per-neuron squared gradient norm", 0, 1, exclusive_maximum=True),
            "constraint": Parameter(
                "mean_free_unit",
                "what rows are projected to: mean 0 and norm 1, or one of the two",
                choices=("mean_free_unit", "mean_free", "unit"),
            ),
        },
        rows="constraint",
    ),
    "sgd": Optimizer(
        "implicitbias.optimizers.sgd:sgd",
        "(stochastic) gradient descent; full batch by batch_size: full",
        {"weight_decay": _DECAY},
        equivariant=True,
        restartable=True,
    ),
    "momentum": Optimizer(
        "implicitbias.optimizers.momentum:momentum",
        "heavy-ball momentum, v <- mu v + g, w <- w - lr v (torch.optim.SGD)",
        {"momentum": Parameter(0.9, "heavy-ball coefficient", 0, 1, exclusive_maximum=True), "weight_decay": _DECAY},
        equivariant=True,
    ),
    **{
        f"steepest_{norm}": Optimizer(
            f"implicitbias.optimizers.steepest:{norm}",
            f"steepest descent in {what} (Tsilivis, Vardi & Kempe 2025)",
            {
                "power": Parameter(
                    1, "power of the gradient's dual norm in the step: 1 raw, 0 unit steps, -1 log domain", -1, 1
                ),
                "decrease": Parameter(0.0, "largest decrease of the loss that a step's gradient predicts; 0: any", 0),
            },
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
    "shampoo": Optimizer(
        "implicitbias.optimizers.shampoo:shampoo",
        "Shampoo (Gupta, Koren & Singer 2018): two preconditioners a layer, over all gradients so far",
        {"epsilon": Parameter(1e-4, "preconditioners start at epsilon times the identity", 0, exclusive_minimum=True)},
        equivariant=True,
    ),
    "agd": Optimizer(
        "implicitbias.optimizers.agd:agd",
        "automatic gradient descent (Bernstein et al. 2023): steps from the architecture, no learning rate to choose",
        restartable=True,
    ),
    "adam": Optimizer(
        "implicitbias.optimizers.adam:adam",
        "Adam (Kingma & Ba 2015), bias-corrected",
        {
            "beta1": Parameter(0.9, "decay of the first moment", 0, 1, exclusive_maximum=True),
            "beta2": Parameter(0.999, "decay of the second moment", 0, 1, exclusive_maximum=True),
            "epsilon": Parameter(1e-8, "added to the root of the second moment", 0, exclusive_minimum=True),
        },
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
