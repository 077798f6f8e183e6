"""Ranks that gradient descent finds on nearly orthogonal data."""

from implicitbias.studies.published import Row

_STEPS = (1, 10, 100, 1000)


def frei_2023_dimension() -> list[Row]:
    """Stable rank of the first layer over that at the start, by dimension, from a fiftieth of the usual weights
    (another seed).
    """
    source = "the experiment of Frei et al. 2023, figure 1 (left), computed once beforehand (another seed)"
    shares = {
        200: (1.00, 0.220, 0.019, 0.013), 1000: (1.00, 0.083, 0.009, 0.006),
        4000: (0.867, 0.042, 0.007, 0.005), 10000: (0.590, 0.028, 0.006, 0.004),
    }  # fmt: skip
    return [
        Row("stable rank over its start", "stable_rank_share",
            {"features": d, "init_scale": 0.02, "step": step}, value, source, own=True)
        for d, values in shares.items()
        for step, value in zip(_STEPS, values, strict=True)
    ]  # fmt: skip


def frei_2023_initialisation() -> list[Row]:
    """Stable rank of the first layer over that at the start, by the size of the initial weights, in dimension 10,000
    with a larger step (another seed).
    """
    source = "the experiment of Frei et al. 2023, figure 1 (right, d = 10,000), computed once beforehand (another seed)"
    shares = {
        (1.0, 10): 0.999, (1.0, 1000): 0.795, (0.1, 1): 0.078, (0.1, 10): 0.058, (0.1, 100): 0.034, (0.1, 1000): 0.021,
        (0.02, 1): 0.0069, (0.02, 10): 0.0051, (0.02, 100): 0.0040, (0.02, 1000): 0.0035,
        (0.005, 1): 0.0031, (0.005, 10): 0.0031, (0.005, 100): 0.0031, (0.005, 1000): 0.0031,
    }  # fmt: skip
    return [
        Row(
            "stable rank over its start",
            "stable_rank_share",
            {"init_scale": scale, "step": step},
            value,
            source,
            own=True,
        )
        for (scale, step), value in shares.items()
    ]


def frei_2023_limit() -> list[Row]:
    """Where gradient descent on nearly orthogonal data ends, against the convex program and the max-margin vector
    (another seed).

    The predictor's norm over the max-margin vector's, 1.012 there, is left out: at the network's smallest margin of 1,
    as `svm_norm_ratio` has it, orthogonal points give (1 + slope)/(1 + slope^2) = 1.2, so that was another scale.
    """
    source = "the experiment of Frei et al. 2023, theorem 3.2, computed once beforehand (another seed; {})"
    far, near = source.format("d = 20,000, width 64"), source.format("d = 5000, width 40, 1e5 steps")
    return [
        Row(
            "cosine of the predictor and the max-margin vector",
            "svm_cosine",
            {"features": 20000},
            0.9999,
            far,
            own=True,
        ),
        Row(
            "cosine of the weights and the convex optimum", "optimum_cosine", {"features": 5000}, 0.9999, near, own=True
        ),
    ] + [
        Row(
            "residual of the optimality conditions",
            "kkt_stationarity",
            {"features": 5000, "step": step},
            value,
            near,
            own=True,
        )
        for step, value in ((1000, 0.0198), (10000, 0.0146), (100000, 0.0115))
    ]


def kou_chen_gu_2023() -> list[Row]:
    """Stable rank of the positive half after 1, 10 and 50 epochs, computed once beforehand, from another seed."""
    source = "the experiment of Kou, Chen & Gu 2023, section 6, computed once beforehand (another seed, m = 100)"
    found = {
        (0.0, 1e-5): (13.5, 1.14, 1.006), (0.5, 1e-5): (7.4, 1.07, 1.003), (0.0, 1e-4): (54.8, 14.1, 1.58),
        (0.8, 1e-4): (55.2, 5.5, 1.19), (0.0, 1e-3): (56.7, 56.7, 37.5), (0.8, 1e-3): (54.0, 53.9, 16.2),
    }  # fmt: skip
    return [
        Row("stable rank of the positive half", "positive_stable_rank",
            {"slope": slope, "init_scale": scale, "step": step}, value, source, own=True)
        for (slope, scale), values in found.items()
        for step, value in zip((1, 10, 50), values, strict=True)
    ]  # fmt: skip


def karhadkar_2024() -> list[Row]:
    """Mean test errors of five networks on the map of d/n and n, at signal 5/n, with a tenth of the labels flipped,
    stopped at no training error (Karhadkar et al. 2024).
    """
    source = "Karhadkar et al. 2024, figure of d/n and n (its numbers, as the authors published them beside their code)"
    errors = {
        50: (0.0656, 0.0368, 0.003, 0.0006, 0.0016, 0, 0, 0.0002, 0.0222, 0.0002),
        60: (0.0526, 0.0282, 0.0034, 0.0006, 0, 0.0228, 0.0002, 0, 0, 0),
        80: (0.0942, 0.0108, 0.0018, 0.0014, 0.0006, 0.0006, 0, 0, 0, 0),
        100: (0.0586, 0.009, 0.004, 0.007, 0.005, 0.0022, 0.0002, 0, 0.0002, 0),
        150: (0.0764, 0.019, 0.0218, 0.0074, 0, 0.0004, 0, 0, 0, 0),
    }
    return [
        Row(
            "test error",
            "test_error",
            {"train_size": n, "features": f"{ratio}n", "stop": "fitted"},
            value,
            source,
            width=64,
        )
        for n, values in errors.items()
        for ratio, value in enumerate(values, start=1)
    ]
