"""Experiments: small systems that are computed whole."""

from collections.abc import Mapping
from typing import Any

from implicitbias.catalogue.architectures import ARCHITECTURES
from implicitbias.catalogue.entries import Entry, Experiment
from implicitbias.catalogue.limits import CLASSES, SIGNS, Range
from implicitbias.catalogue.networks import ACTIVATIONS
from implicitbias.catalogue.nngp import SAMPLED
from implicitbias.catalogue.signatures import Bounds, parameters_of


def _experiment(function: str, summary: str, bounds: Mapping[str, Bounds], **fields: Any) -> Experiment:
    """An experiment whose function says defaults and meanings of its parameters."""
    pointer = f"implicitbias.experiments.{function}"
    return Experiment(pointer, summary, parameters_of(pointer, bounds), **fields)


def _perceptrons(activation: str) -> tuple[Entry, ...]:
    return ARCHITECTURES["mlp"], ACTIVATIONS[activation]


_RANKS = ("filter_rank", "data_rank", "clean_rank", "train_error", "test_error")
EXPERIMENTS: dict[str, Experiment] = {
    "calibration": _experiment(
        "calibration:calibrate",
        "an estimator of orthant probabilities against random problems with known answers",
        {"estimator": Bounds(choices=SAMPLED), "problems": Bounds(1), "samples": Bounds(256)},
        variables=(
            "complexity", "complexity_stderr", "degrees_of_freedom", "exact_complexity", "points", "family", "score",
        ),
        dims=("problem",), words=("family",), minutes=2,
    ),
    "gradient_regularisation": _experiment(
        "regularisation:gradient_regularisation",
        "the flow that gradient descent of a finite step follows (Barrett & Dherin 2021)",
        {
            "step_size": Bounds(0, exclusive_minimum=True), "time": Bounds(0, exclusive_minimum=True),
            "width": Bounds(1), "level": Bounds(0, 1, exclusive_minimum=True, exclusive_maximum=True),
            "digits": Bounds(0, 1200),
        },
        variables=("distance", "modified_distance", "mean_square_gradient"),
        only=({"time": Range(minimum="step_size")},),
        uses=_perceptrons("tanh"),
    ),
    "quadratic_regression": _experiment(
        "quadratic:quadratic_regression",
        "phases of gradient descent with large steps on quadratic models (Chen et al. 2023)",
        {
            "model": Bounds(choices=("phase_retrieval", "network")),
            "design": Bounds(choices=("orthogonal", "gaussian")), "features": Bounds(2), "width": Bounds(1),
            "train_size": Bounds(1), "step_sizes": Bounds(1), "draws": Bounds(1), "steps": Bounds(1),
        },
        variables=(
            "lyapunov", "period", "rises", "diverged", "residual", "test_loss", "averaged_test_loss",
            "map_lyapunov", "map_period", "map_rises", "map_diverged", "map_residual",
        ),
        dims=("relative_step", "draw", "visit"),
        work=(("train_size", "width", "features", "step_sizes", "draws", "steps"),),
    ),
    "inconsistency": _experiment(
        "inconsistency:inconsistency",
        "two-layer relu networks that stay at a bad local minimum (Holzmüller & Steinwart 2020)",
        {"width": Bounds(1), "offset": Bounds(0), "draws": Bounds(1), "steps": Bounds(1)},
        variables=("event_frequency", "event_frequency_stderr", "median_loss"),
    ),
    "guessed_gradients": _experiment(
        "guessing:guessed_gradients",
        "cosines of guessed gradients with the true one (Singhal et al. 2023)",
        {"width": Bounds(1), "features": Bounds(2), "classes": Bounds(2), "draws": Bounds(1)},
        variables=("cosine", "cosine_stderr"), dims=("guess",),
    ),
    "guessed_training": _experiment(
        "guessed_training:guessed_training",
        "accuracies of networks trained with guessed gradients (Singhal et al. 2023)",
        {"width": Bounds(1), "batch": Bounds(1), "epochs": Bounds(1)},
        variables=("train_accuracy", "test_accuracy", "chosen_rate"), dims=("guess",), dtype="float32",
        work=(("epochs", "width"),), task=True, only=(CLASSES,), uses=_perceptrons("plain_relu"),
    ),
    "boolean_prior": _experiment(
        "boolean:boolean_prior",
        "the prior of random networks over Boolean functions (Valle-Perez, Camargo & Louis 2019)",
        {"inputs": Bounds(3, 12), "width": Bounds(1), "draws": Bounds(1), "kept": Bounds(1)},
        variables=("probability", "complexity", "functions"), dims=("rank",), dtype="float32",
        uses=_perceptrons("plain_relu"),
    ),
    "spectral_bias": _experiment(
        "spectral:spectral_bias",
        "which frequencies a network learns first (Rahaman et al. 2019)",
        {
            "rising": Bounds(0, 1), "spacing": Bounds(1), "members": Bounds(1), "width": Bounds(1),
            "depth": Bounds(2), "learning_rate": Bounds(0, exclusive_minimum=True),
            "level": Bounds(0, 1, exclusive_minimum=True, exclusive_maximum=True), "steps": Bounds(1),
            "every": Bounds(1),
        },
        variables=("learned", "first_step", "robust"), dims=("member", "frequency", "step", "radius", "direction"),
        minutes=3, work=(("members", "spacing", "width", "depth", "steps"),),
        only=({"steps": Range(minimum="every")},), dtype="float32",
        uses=_perceptrons("plain_relu"),
    ),
    "label_waves": _experiment(
        "waves:label_waves",
        "how long a classifier resists waves in its labels (Fridovich-Keil, Gontijo-Lopes & Roelofs 2022)",
        {
            "amplitude": Bounds(0, exclusive_minimum=True), "width": Bounds(1), "depth": Bounds(2),
            "learning_rate": Bounds(0, exclusive_minimum=True), "steps": Bounds(1), "every": Bounds(1),
        },
        variables=("fitted", "fitted_test"), dims=("frequency", "step"), work=(("width", "depth", "steps"),), task=True,
        dtype="float32",
        only=({"steps": Range(minimum="every"), **SIGNS},), uses=_perceptrons("plain_relu"),
    ),
    "guess_and_check": _experiment(
        "guess_and_check:guess_and_check",
        "random networks that fit against trained ones (Chiang et al. 2023; Peleg & Hein 2024)",
        {
            "architecture": Bounds(choices=("pooled_mlp", "lenet")), "factor": Bounds(0, exclusive_minimum=True),
            "layers": Bounds(2, 5), "networks": Bounds(2), "draws": Bounds(1),
            "learning_rate": Bounds(0, exclusive_minimum=True), "epochs": Bounds(1),
        },
        variables=(
            "test_accuracy", "test_accuracy_stderr", "fitting", "normalized_loss",
            "guess_acceptance", "guess_acceptance_stderr",
        ),
        dims=("found_by",), minutes=2, task=True, images=True, dtype="float32",
        uses=(ACTIVATIONS["plain_relu"],),
    ),
    "boolean_posterior": _experiment(
        "boolean:boolean_posterior",
        "functions of random networks that fit against those of trained ones (Mingard et al. 2021)",
        {
            "inputs": Bounds(3, 12), "width": Bounds(1), "train_size": Bounds(1), "draws": Bounds(1),
            "runs": Bounds(1), "learning_rate": Bounds(0, exclusive_minimum=True), "batch": Bounds(1),
            "epochs": Bounds(1), "kept": Bounds(1),
        },
        variables=(
            "bayes_probability", "sgd_probability", "bayes_count", "sgd_count", "bayes_accuracy", "sgd_accuracy",
            "target_complexity",
        ),
        dims=("rank",), minutes=3, dtype="float32",
        work=(("draws", "inputs", "width"), ("runs", "epochs", "train_size", "width")),
        uses=_perceptrons("plain_relu"),
    ),
    "simplicity_bias": _experiment(
        "simplicity:simplicity_bias",
        "networks that rely on the simplest feature alone (Shah et al. 2020)",
        {
            "data": Bounds(choices=("lms_5", "lms_7", "noisy_lms_7", "ms_5_7", "ms_7")), "train_size": Bounds(1),
            "test_size": Bounds(2), "features": Bounds(2), "width": Bounds(1), "depth": Bounds(2),
            "learning_rate": Bounds(0, exclusive_minimum=True), "momentum": Bounds(0, 1, exclusive_maximum=True),
            "weight_decay": Bounds(0), "epochs": Bounds(1), "batch": Bounds(1), "noise": Bounds(0, 1),
        },
        variables=("train_accuracy", "accuracy", "auc", "simple_randomized_auc", "complex_randomized_auc"),
        minutes=2, dtype="float32",
        uses=_perceptrons("plain_relu"),
    ),
    "pruning": _experiment(
        "pruning:pruning",
        "random pruning before training, on a signal beside noise (Yang et al. 2023)",
        {
            "keep": Bounds(0, 1, exclusive_minimum=True), "width": Bounds(1), "features": Bounds(2),
            "train_size": Bounds(1), "signal": Bounds(0, exclusive_minimum=True), "test_size": Bounds(2),
            "draws": Bounds(1), "learning_rate": Bounds(0, exclusive_minimum=True), "steps": Bounds(1),
        },
        variables=(
            "train_loss", "train_loss_stderr", "train_error", "train_error_stderr", "test_error", "test_error_stderr",
            "signal_neurons", "signal_neurons_stderr",
        ), dtype="float32",
    ),
    "ball_indicator": _experiment(
        "ball:ball_indicator",
        "one or two hidden layers for the indicator of a ball (after Safran & Lee 2022)",
        {
            "features": Bounds(2), "width": Bounds(1), "train_size": Bounds(1), "test_size": Bounds(2),
            "draws": Bounds(1), "learning_rate": Bounds(0, exclusive_minimum=True), "steps": Bounds(1),
        },
        variables=tuple(
            f"{name}{suffix}" for name in ("train_loss", "test_loss", "best_test_loss", "test_error")
            for suffix in ("", "_stderr")
        ),
        dims=("network",), dtype="float32", work=(("width", "train_size", "draws", "steps"),),
        uses=(ACTIVATIONS["sigmoid"],),
    ),
    "self_attention": _experiment(
        "self_attention:self_attention",
        "the max-margin problems that a layer of attention solves (Tarzanagh et al. 2023; Vasudeva et al. 2024)",
        {
            "sequences": Bounds(1), "tokens": Bounds(2), "features": Bounds(2),
            "learning_rate": Bounds(0, exclusive_minimum=True), "step_length": Bounds(0, exclusive_minimum=True),
            "steps": Bounds(1), "draws": Bounds(1),
        },
        variables=("frobenius_distance", "nuclear_distance", "attention", "log_excess_loss"),
        dims=("rule", "draw", "step"),
        only=({"features": Range(minimum="sequences")},),
    ),
    "next_token": _experiment(
        "next_token:next_token",
        "the max-margin problems that a one-layer transformer solves in next-token prediction (Huang et al. 2024)",
        {
            "vocabulary": Bounds(4), "features": Bounds(2), "length": Bounds(2), "sentences": Bounds(1),
            "step_length": Bounds(0, exclusive_minimum=True), "steps": Bounds(1), "draws": Bounds(1),
        },
        variables=("distance", "log_excess_loss", "largest_margin", "accuracy"),
        dims=("layer", "sentences", "draw", "step"),
        only=({"features": Range(minimum="vocabulary"), "vocabulary": Range(minimum="length")},),
    ),
    "eigenspaces": _experiment(
        "eigenspaces:eigenspaces",
        "which interactions of patches a network's kernel learns from how many points (Xiao 2022)",
        {
            "topology": Bounds(choices=("mlp", "cnn", "cnn_global_average")),
            "kernel": Bounds(choices=("nngp", "ntk")), "patches": Bounds(6, 10), "features": Bounds(2),
            "depth": Bounds(2), "train_size": Bounds(1), "test_size": Bounds(2), "draws": Bounds(1),
        },
        variables=("learned", "test_loss", "eigenvalue"), dims=("component", "points", "draw"),
        work=(("draws", "depth", "patches", "patches", "train_size", "train_size"),),
        uses=(ARCHITECTURES["cnn"], *_perceptrons("relu")),
    ),
    "information_plane": _experiment(
        "information_plane:information_plane",
        "what layers hold of the input and the label while they learn (Shwartz-Ziv & Tishby 2017; Saxe et al. 2019)",
        {
            "activation": Bounds(choices=("tanh", "relu")), "train_share": Bounds(0.01, 0.99),
            "learning_rate": Bounds(0, exclusive_minimum=True), "batch": Bounds(1), "epochs": Bounds(1),
            "bins": Bounds(2, 70), "noise_variance": Bounds(1e-06), "records": Bounds(2), "draws": Bounds(1),
        },
        variables=(
            "input_information", "label_information", "input_information_bound", "label_information_bound",
            "train_accuracy", "test_accuracy",
        ),
        dims=("epoch", "layer", "draw"), dtype="float32", work=(("epochs", "draws"), ("records", "draws")),
        uses=(ACTIVATIONS["tanh"], ACTIVATIONS["plain_relu"]),
    ),
    "linear_student": _experiment(
        "linear_student:linear_student",
        "a deep linear student of a linear teacher: generalisation without compression (Saxe et al. 2019)",
        {
            "features": Bounds(2), "width": Bounds(1), "train_size": Bounds(1), "label_noise": Bounds(0.001),
            "learning_rate": Bounds(0, exclusive_minimum=True), "steps": Bounds(1), "noise_variance": Bounds(1e-06),
            "init_scale": Bounds(0, exclusive_minimum=True), "records": Bounds(2), "draws": Bounds(1),
        },
        variables=("train_loss", "test_loss", "input_information", "label_information"),
        dims=("step", "draw"),
    ),
    "intrinsic_dimension": _experiment(
        "intrinsic_dimension:intrinsic_dimension",
        "stable ranks of convolutional filters and of noisy data (Zhang, Gao, Zou & Cao 2025)",
        {
            "directions": Bounds(1), "features": Bounds(2), "background": Bounds(0), "tiles": Bounds(2),
            "filters": Bounds(1), "learning_rate": Bounds(0, exclusive_minimum=True), "steps": Bounds(1),
            "train_size": Bounds(1), "test_size": Bounds(2), "draws": Bounds(1),
        },
        variables=_RANKS, dims=("draw",), dtype="float32",
        work=(("features", "train_size", "filters", "steps", "draws"), ("features", "test_size", "filters", "draws")),
        only=({"features": Range(minimum="directions", times=2)},),
    ),
    "intrinsic_dimension_images": _experiment(
        "intrinsic_dimension:intrinsic_dimension_images",
        "the same for images of two labels beside background noise (Zhang, Gao, Zou & Cao 2025)",
        {
            "background": Bounds(0), "tiles": Bounds(2), "filters": Bounds(1),
            "learning_rate": Bounds(0, exclusive_minimum=True), "steps": Bounds(1),
        },
        variables=_RANKS, dtype="float32", task=True, only=(SIGNS,),
    ),
    "parity_margins": _experiment(
        "parity_margins:parity_margins",
        "margins on a parity when neurons may turn, and when their norms alone are trained (Telgarsky 2022)",
        {
            "features": Bounds(2), "width": Bounds(1), "train_size": Bounds(1), "test_size": Bounds(2),
            "step_length": Bounds(0, exclusive_minimum=True), "steps": Bounds(1), "draws": Bounds(1),
        },
        variables=("margin", "test_error"), dims=("network", "draw"), dtype="float32",
        work=(("width", "train_size", "features", "draws", "steps"),),
    ),
    "frequency_bias": _experiment(
        "spectral:frequency_bias",
        "how fast frequencies on a circle are learned by a Sobolev loss (Yu, Yang & Townsend 2023)",
        {
            "sobolev": Bounds(), "points": Bounds(8), "degrees": Bounds(1), "trained": Bounds(1), "width": Bounds(1),
            "steps": Bounds(1),
        },
        variables=("eigenvalue", "half_time", "trained_half_time"), dims=("degree", "trained_degree"),
        work=(("points", "trained", "width", "steps"),),
        only=({"points": Range(minimum="degrees", times=2), "degrees": Range(minimum="trained")},),
        uses=_perceptrons("relu"),
    ),
}  # fmt: skip
