"""Labels predicted one after the other: the learning curve that the complexity is the sum of.

P[Y_n] is the product of the probabilities p(y_i | y_1 ... y_(i-1)) that the posterior on the first i - 1 labels gives
to the next one. So C_n - C_m = -ln P[Y_n]/P[Y_m] is the log loss of predicting labels m + 1 to n, each from those
before it, and C_n = -ln P[Y_n] is that of predicting them all.
"""

import math

from jaxtyping import Float
from torch import Tensor

from implicitbias.nngp.mixture import mixture
from implicitbias.nngp.posterior import average, prepare
from implicitbias.nngp.standardise import distinct
from implicitbias.rng import derive_seed
from implicitbias.shapes.tensors import Kernel, Labels


def predictive_log_losses(
    kernel: Kernel, labels: Labels, *, first: int = 0, samples: int = 4096, seed: int = 0
) -> tuple[Float[Tensor, " predicted"], Float[Tensor, " predicted"]]:
    """-ln p(y_i | y_1 ... y_(i-1)) of every label from the one after the first m on, by averages over the posterior.

    It takes a set of samples for every label, so it is for small n; differences of complexities give sums of these
    losses at once.

    Args:
        kernel: `(n, n)` covariance K of f, float64.
        labels: `(n,)` of +-1.
        first: m, the number of labels that are known before the first prediction.
        samples: of the posterior on every set of labels.
        seed: of the samples.

    Returns:
        The losses in nats and their standard errors, `(n - m,)` each; those of different labels are independent.

    Raises:
        NumericalError: if the kernel is no covariance or the probability of the labels is 0 (see `standardised`).

    Source: Dawid 1984 (the prequential view); Rasmussen & Williams 2006, section 5.2 (the evidence as a sum of
    predictive losses).

    """
    losses, stderrs = [], []
    labels = labels.to(kernel)
    for known in range(first, len(labels)):
        if known == 0:  # without a label either sign is as likely
            losses.append(math.log(2))
            stderrs.append(0.0)
            continue
        of_known = kernel[:known, :known]
        estimate = mixture(of_known, labels[:known], samples=samples, seed=derive_seed("prequential", seed, known),
                           keep_samples=True)  # fmt: skip
        assert estimate.samples is not None
        assert estimate.log_weights is not None
        kept = distinct(of_known, labels[:known])
        new = slice(known, known + 1)
        block = prepare(kernel[kept][:, kept], kernel[kept, new], kernel.diagonal()[new], labels[new])
        errors = average(block, estimate.samples[kept], estimate.log_weights, estimate.groups)
        losses.append(-math.log(float(errors.probability[0])))
        stderrs.append(float(errors.probability_stderr[0] / errors.probability[0]))
    return kernel.new_tensor(losses), kernel.new_tensor(stderrs)
