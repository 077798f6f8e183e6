"""Pruning at random before training: what it costs on a signal beside noise (Yang et al. 2023)."""

import torch
import xarray as xr
from torch import Tensor
from torch.nn.functional import softplus

from implicitbias.rng import derive_seed
from implicitbias.schema import mean_with_stderr

_SOURCE = "Yang et al. 2023, section 3"


def pruning(
    *,
    keep: float = 0.5,
    width: int = 10,
    features: int = 2000,
    train_size: int = 40,
    signal: float = 0.7,
    test_size: int = 1000,
    draws: int = 20,
    learning_rate: float = 20.0,
    steps: int = 10_000,
    seed: int = 0,
) -> xr.Dataset:
    """Errors of two-layer networks of which each hidden weight was kept with probability `keep`, then trained.

    A point is two patches, y mu e_1 and noise N(0, I/d) without that coordinate. f = (sum of the relus of the first
    half of the neurons over both patches - that of the second half)/m, the neurons' weights N(0, .01^2), masked from
    the start; gradient descent on the logistic loss, learning_rate times m a step, float32. Where two weights a point
    are left, or fewer (keep = .002 at the defaults), some points are not fitted.

    Args:
        keep: probability that a weight is kept.
        width: neurons of a hidden layer. This is m, of either sign.
        features: coordinates. This is d.
        train_size: training points.
        signal: size of the signal; the noise's is 1. This is mu.
        test_size: test points. Every network has as many.
        draws: random networks. Each has data and a mask of its own.
        learning_rate: step of gradient descent. It is divided by the output weight 1/m.
        steps: steps of the optimizer. The optimizer is gradient descent.
        seed: of everything.

    Returns:
        Scalars: means over the networks of `train_loss` at the end, `train_error` and `test_error`, with standard
        errors, and `signal_neurons`, the mean number of neurons that kept their weight on the signal.
    """
    generator = torch.Generator().manual_seed(derive_seed("pruning", seed))

    def data(count: int) -> tuple[Tensor, Tensor, Tensor]:
        y = 2.0 * torch.randint(2, (draws, count), generator=generator) - 1
        noise = torch.randn(draws, count, features, generator=generator) * features**-0.5
        noise[..., 0] = 0
        return y, signal * y[..., None], noise

    mask = (torch.rand(draws, 2 * width, features, generator=generator) < keep).float()
    weight = 0.01 * torch.randn(draws, 2 * width, features, generator=generator) * mask
    output = torch.cat([torch.ones(width), -torch.ones(width)]) / width
    y, along, noise = data(train_size)

    def outputs(along: Tensor, noise: Tensor) -> Tensor:
        by_signal = torch.relu(along * weight[:, None, :, 0])  # the signal's patch has one coordinate
        return (by_signal + torch.relu(noise @ weight.mT)) @ output

    weight = trained(weight, mask, output, y, along, noise, learning_rate * width, steps)
    own = outputs(along, noise)
    unseen, *patches = data(test_size)
    found = {
        "train_loss": (softplus(-y * own).mean(1), "training loss"),
        "train_error": ((y * own <= 0).double().mean(1), "training error"),
        "test_error": ((unseen * outputs(*patches) <= 0).double().mean(1), "test error"),
        "signal_neurons": (mask[..., 0].sum(1), "neurons that kept their weight on the signal"),
    }
    dataset: dict[str, xr.Variable] = {}
    for name, (values, text) in found.items():
        dataset |= mean_with_stderr(name, (), values.double().numpy(), text, source=_SOURCE)
    return xr.Dataset(dataset)


def trained(
    weight: Tensor, mask: Tensor, output: Tensor, y: Tensor, along: Tensor, noise: Tensor, rate: float, steps: int
) -> Tensor:
    """The weights after gradient descent on the mean logistic loss.

    A neuron moves in the span of its masked noise patches (and along the signal), so that its products with the patches
    are followed by their Gram matrix: steps cost the square of the number of points, whatever the dimension.

    Args:
        weight: `(draws, neurons, d)`, zero where the mask is.
        mask: `(draws, neurons, d)`, zeros and ones.
        output: `(neurons,)`, fixed.
        y: `(draws, n)` labels +-1.
        along: `(draws, n, 1)`, the signal patches' first coordinates.
        noise: `(draws, n, d)`, the noise patches, whose first coordinates are 0.
        rate: learning rate.
        steps: of gradient descent.
    """
    gram = ((mask[:, :, None] * noise[:, None]) @ noise[:, None].mT).flatten(0, 1)  # (draws neurons, n, n)
    z, on_signal = weight @ noise.mT, weight[..., 0].clone()
    moved, by_noise = torch.zeros_like(z), torch.empty_like(z)
    along, sees_signal = along.mT, mask[..., 0]  # (draws, 1, n), (draws, neurons)
    minus_y, pull, output_column = -y, y * (rate / y.shape[1]), output[:, None]
    masked = torch.ops.aten.threshold_backward  # slopes, where relus let them pass
    for _ in range(steps):
        by_signal = on_signal[..., None] * along
        f = output @ (torch.relu(by_signal) + torch.relu(z))
        back = output_column * (pull * torch.sigmoid(minus_y * f))[:, None]
        change = masked(back, z, 0)
        moved += change
        torch.bmm(change.view(-1, 1, change.shape[2]), gram, out=by_noise.view(-1, 1, change.shape[2]))
        z += by_noise
        on_signal += sees_signal * (masked(back, by_signal, 0) * along).sum(-1)
    weight = weight + mask * (moved @ noise)
    weight[..., 0] = on_signal
    return weight
