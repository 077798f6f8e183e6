"""The cone of a labelling, taken apart: given every point's own output, the classes are independent orthants.

f_1 ... f_C are independent N(0, K) and v_i = f_{y_i}(x_i) is the output of point i's own class. Class c fixes v at its
own points I, and at the other points O it must stay below v. With d = v_O - f_c(O), the event is d > 0, and

    v ~ N(0, S),  S = K within a class and 0 between classes,
    d = G v - e,  e ~ N(0, K_OO - K_OI K_II^-1 K_IO),  G v = v_O - K_OI K_II^-1 v_I,

with e independent of v and from class to class. So C matrices of order n do the work of one of order n (C - 1).
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from implicitbias.errors import NumericalError
from implicitbias.linalg import among, cholesky
from implicitbias.shapes.tensors import Kernel, Labels


@dataclass(frozen=True)
class ClassBlock:
    """What one class asks: d = G v - e > 0 at the points of other classes.

    Attributes:
        number: the class c.
        points: `(o,)` the points O of other classes, in the order of sampling.
        covariance: `(o, o)` of e.
        map: `(o, n)` G.
    """

    number: int
    points: Int[Tensor, " other"]
    covariance: Float[Tensor, "other other"]
    map: Float[Tensor, "other n"]

    def ordered(self, order: Int[Tensor, " other"]) -> "ClassBlock":
        """The same with its points in another order."""
        covariance = among(self.covariance, order)
        return replace(self, points=self.points[order], covariance=covariance, map=self.map[order])


@dataclass(frozen=True)
class Cone:
    """The event that every point's own class has the largest output.

    Attributes:
        own_covariance: `(n, n)` S of the own outputs v.
        blocks: one for every class that has points of other classes; all together o_1 + ... = N = n (C - 1) conditions.
    """

    own_covariance: Kernel
    blocks: tuple[ClassBlock, ...]


def cone_of(kernel: Kernel, classes: Labels, class_count: int) -> Cone:
    """The cone's parts.

    Args:
        kernel: `(n, n)` K, positive definite, float64.
        classes: `(n,)` from 0 to C - 1; a class may have no point.
        class_count: C.

    Raises:
        NumericalError: if K is singular within a class.
    """
    blocks = []
    for number in range(class_count):
        own, others = torch.nonzero(classes == number)[:, 0], torch.nonzero(classes != number)[:, 0]
        if not len(others):
            continue
        across = kernel[others][:, own]
        covariance = kernel[others][:, others]
        g = kernel.new_zeros(len(others), len(kernel))
        g[torch.arange(len(others)), others] = 1
        if len(own):
            weights = torch.cholesky_solve(across.T, cholesky(kernel[own][:, own])).T
            covariance = covariance - weights @ across.T
            covariance = (covariance + covariance.T) / 2
            g[:, own] = -weights
        blocks.append(ClassBlock(number, others, covariance, g))
    return Cone(kernel * (classes[:, None] == classes[None, :]), tuple(blocks))


def class_numbers(classes: Labels, class_count: int) -> Int[Tensor, " n"]:
    """The classes as integers.

    Raises:
        NumericalError: if one is not of 0 ... C - 1, or C < 2.
    """
    if class_count < 2:
        raise NumericalError(f"class_count is {class_count}; allowed: 2 or more, one output competes with nothing")
    known = (classes >= 0) & (classes < class_count) & (classes == classes.round())
    if not bool(known.all()):
        wrong = int(torch.nonzero(~known)[0])
        raise NumericalError(
            f"point {wrong} has class {float(classes[wrong]):g}; allowed: whole numbers from 0 to {class_count - 1}"
        )
    return classes.long()
