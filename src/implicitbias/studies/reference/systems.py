"""Guess and check, and the smaller systems."""

from implicitbias.studies.published import Row

_FOUND_BY = (("guess", "guess and check"), ("sgd", "SGD"))


def peleg_hein_2024() -> list[Row]:
    """Test accuracies of random and trained perceptrons that fit n points of MNIST's 0 and 7, which are other points
    than ours.
    """
    source = "Peleg & Hein 2024, tables of the appendix (MNIST, 0 against 7, pooled images)"
    percent = {
        (0.16667, 4): (65, 72.9), (0.16667, 16): (79.7, 90.5), (0.16667, 24): (85, 94.1),
        (1.0, 4): (64.2, 87.2), (1.0, 16): (78.3, 94), (1.0, 24): (83.6, 96.5),
    }  # fmt: skip
    return [
        Row(f"test accuracy, {word}", "test_accuracy", {"factor": factor, "train_size": n, "found_by": name},
            value / 100, source)
        for (factor, n), pair in percent.items()
        for (name, word), value in zip(_FOUND_BY, pair, strict=True)
    ] + _acceptance()  # fmt: skip


def _acceptance() -> list[Row]:
    """Ranges over widths, by their middle."""
    source = "computed once beforehand (MNIST, 0 against 7, over widths)"
    ranges = {4: (0.03, 0.05), 8: (0.003, 0.016), 16: (3e-4, 8e-4)}
    return [
        Row("share of random networks that fit", "guess_acceptance", {"train_size": n}, (low + high) / 2, source,
            (high - low) / 2, own=True)
        for n, (low, high) in ranges.items()
    ]  # fmt: skip


def peleg_hein_2024_pairs() -> list[Row]:
    """Test accuracies of random and trained perceptrons that fit 16 points of MNIST's 3 and 5."""
    source = "Peleg & Hein 2024, tables of the appendix (MNIST, 3 against 5, pooled images)"
    percent = {0.16667: (64, 70.8), 1.0: (63.6, 75.3)}
    return [
        Row(f"test accuracy, {word}", "test_accuracy",
            {"labels": "3v5", "factor": factor, "train_size": 16, "found_by": name}, value / 100, source)
        for factor, pair in percent.items()
        for (name, word), value in zip(_FOUND_BY, pair, strict=True)
    ]  # fmt: skip


def peleg_hein_2024_depth() -> list[Row]:
    """Test accuracies of random and trained perceptrons of one and four hidden layers that fit points of MNIST's 0 and
    7.
    """
    source = "Peleg & Hein 2024, tables of the appendix (MNIST, 0 against 7, pooled images, perceptrons by depth)"
    percent = {
        (2, 4): (69, 83.5), (2, 16): (82.6, 94.0), (2, 24): (86.9, 96.4),
        (5, 4): (64, 77.4), (5, 16): (78.9, 92.3), (5, 24): (84.1, 95.4),
    }  # fmt: skip
    return [
        Row(f"test accuracy, {word}", "test_accuracy", {"architecture": "pooled_mlp", "layers": layers, "train_size": n,
            "found_by": name}, value / 100, source)
        for (layers, n), pair in percent.items()
        for (name, word), value in zip(_FOUND_BY, pair, strict=True)
    ]  # fmt: skip


def peleg_hein_2024_lenet() -> list[Row]:
    """Test accuracies of LeNets trained on 16 points of MNIST's 0 and 7."""
    source = "Peleg & Hein 2024 (LeNet on MNIST, 0 against 7, n = 16)"
    percent = {"sgd": (90.7, 93.6, 95.2), "gd": (86.1, 91.5, 93.7), "long_gd": (90.0, 93.3, 94.9)}
    return [
        Row(f"test accuracy, {name}", "test_accuracy", {"factor": factor, "train_size": 16, "found_by": name},
            value / 100, source)
        for name, values in percent.items()
        for factor, value in zip((0.16667, 0.33333, 0.66667), values, strict=True)
    ]  # fmt: skip


def mingard_2021() -> list[Row]:
    """Mean test accuracy of trained networks on Boolean functions of seven bits, which lies in a range over seven
    targets.
    """
    source = "Mingard et al. 2021 (seven targets; the middle of their range, and half of it)"
    return [Row("test accuracy of trained networks", "sgd_accuracy", {}, 0.976, source, 0.018)]


def shah_2020() -> list[Row]:
    """AUC after the simple or the complex coordinates are permuted, and accuracies."""
    source = "Shah et al. 2020 (two layers of 100 or 300 neurons, 40,000 or 100,000 points)"
    values = {
        ("lms_5", "auc"): 1.000, ("lms_5", "simple_randomized_auc"): 0.507, ("lms_5", "complex_randomized_auc"): 1.000,
        ("noisy_lms_7", "accuracy"): 0.949, ("noisy_lms_7", "simple_randomized_auc"): 0.497,
        ("noisy_lms_7", "complex_randomized_auc"): 0.949, ("ms_7", "accuracy"): 1.000,
    }  # fmt: skip
    return [
        Row(name.replace("_", " ").replace("auc", "AUC"), name, {"data": data}, value, source)
        for (data, name), value in values.items()
    ]


def barrett_dherin_2021() -> list[Row]:
    """Distances of gradient descent of step h to the flow of its loss and to the regularised flow (another network)."""
    source = "the experiment of Barrett & Dherin 2021 (tanh network, T = 4), computed once beforehand (another network)"
    distances = {0.05: (1.69e-2, 3.06e-3), 0.025: (8.0e-3, 7.6e-4), 0.0125: (3.9e-3, 1.9e-4)}
    columns = (("distance", "distance to the flow"), ("modified_distance", "distance to the regularised flow"))
    return [
        Row(what, variable, {"step_size": step}, value, source, own=True)
        for step, pair in distances.items()
        for (variable, what), value in zip(columns, pair, strict=True)
    ]


def holzmueller_steinwart_2020() -> list[Row]:
    """How often a kink leaves its interval, by width and offset, and the loss that most networks keep (other code)."""
    source = "the experiment of Holzmüller & Steinwart 2020, computed once beforehand (3000 steps)"
    frequencies = {0.0: (0.33, 0.225, 0.085, 0.06, 0.017), 0.1: (0.34, 0.245, 0.14, 0.15, 0.15)}
    return [
        Row("share of networks with a kink that leaves", "event_frequency", {"offset": offset, "width": width}, value,
            source, own=True)
        for offset, values in frequencies.items()
        for width, value in zip((16, 32, 64, 128, 256), values, strict=True)
    ] + [Row("median loss", "median_loss", {"offset": 0.0, "width": 128}, 2.0, source, own=True)]  # fmt: skip


def singhal_2023() -> list[Row]:
    """Cosines of guessed gradients with the true one, from another seed."""
    source = "the experiment of Singhal et al. 2023 (3 layers of width 256, one point), computed once beforehand"
    cosines = {
        "weights": 0.0015, "activations": 0.041, "masked activations": 0.054, "through the next layer": 0.065,
    }  # fmt: skip
    return [
        Row("cosine with the true gradient", "cosine", {"guess": guess}, value, source, own=True)
        for guess, value in cosines.items()
    ]
