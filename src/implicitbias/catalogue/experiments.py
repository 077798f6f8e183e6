"""Experiments: small systems that are computed whole."""

from implicitbias.catalogue.architectures import ARCHITECTURES
from implicitbias.catalogue.entries import Entry, Experiment, Parameter
from implicitbias.catalogue.limits import CLASSES, SIGNS, Range
from implicitbias.catalogue.networks import ACTIVATIONS
from implicitbias.catalogue.nngp import SAMPLED


def _width(default: int) -> Parameter:
    return Parameter(default, "neurons of a hidden layer", 1)


def _draws(default: int) -> Parameter:
    return Parameter(default, "random networks", 1)


def _steps(default: int) -> Parameter:
    return Parameter(default, "steps of the optimizer", 1)


def _perceptrons(activation: str) -> tuple[Entry, ...]:
    return ARCHITECTURES["mlp"], ACTIVATIONS[activation]


_BACKGROUND = {
    "background": Parameter(0.1, "standard deviation of the noise beside the clean patch", 0),
    "tiles": Parameter(3, "patches of a point, one of them clean", 2),
    "filters": Parameter(20, "filters of either sign", 1),
    "learning_rate": Parameter(10.0, "step of gradient descent", 0, exclusive_minimum=True),
    "steps": _steps(500),
}
_RANKS = ("filter_rank", "data_rank", "clean_rank", "train_error", "test_error")
EXPERIMENTS: dict[str, Experiment] = {
    "calibration": Experiment(
        "implicitbias.experiments.calibration:calibrate",
        "an estimator of orthant probabilities against random problems with known answers",
        {
            "estimator": Parameter("mixture", "whose error bars are tested", choices=SAMPLED),
            "problems": Parameter(200, "random problems, of 1 to 1000 points", 1),
            "samples": Parameter(4096, "samples a problem", 256),
        },
        variables=(
            "complexity", "complexity_stderr", "degrees_of_freedom", "exact_complexity", "points", "family", "score",
        ),
        dims=("problem",), words=("family",), minutes=2,
    ),
    "gradient_regularisation": Experiment(
        "implicitbias.experiments.regularisation:gradient_regularisation",
        "the flow that gradient descent of a finite step follows (Barrett & Dherin 2021)",
        {
            "step_size": Parameter(0.025, "step h of gradient descent", 0, exclusive_minimum=True),
            "time": Parameter(4.0, "time at which weights are compared", 0, exclusive_minimum=True),
            "width": _width(16),
            "level": Parameter(0.4, "fraction of the initial loss at which gradients are compared", 0, 1,
                exclusive_minimum=True, exclusive_maximum=True),
            "digits": Parameter(0, "training images of digits, even or odd; 0: 16 Gaussian points", 0, 1200),
        },
        variables=("distance", "modified_distance", "mean_square_gradient"),
        only=({"time": Range(minimum="step_size")},),
        uses=_perceptrons("tanh"),
    ),
    "quadratic_regression": Experiment(
        "implicitbias.experiments.quadratic:quadratic_regression",
        "phases of gradient descent with large steps on quadratic models (Chen et al. 2023)",
        {
            "model": Parameter("network", "phase retrieval, or a two-layer network of quadratic neurons",
                choices=("phase_retrieval", "network")),
            "design": Parameter("orthogonal", "inputs", choices=("orthogonal", "gaussian")),
            "features": Parameter(5, "inputs' coordinates, and the number of orthogonal ones", 2),
            "width": _width(5),
            "train_size": Parameter(30, "Gaussian inputs", 1),
            "step_sizes": Parameter(66, "step sizes, from 0 to 2.2 times the largest stable one", 1),
            "draws": _draws(16),
            "steps": Parameter(3000, "steps of gradient descent", 1),
        },
        variables=(
            "lyapunov", "period", "rises", "diverged", "residual", "test_loss", "averaged_test_loss",
            "map_lyapunov", "map_period", "map_rises", "map_diverged", "map_residual",
        ),
        dims=("relative_step", "draw", "visit"),
        work=(("train_size", "width", "features", "step_sizes", "draws", "steps"),),
    ),
    "inconsistency": Experiment(
        "implicitbias.experiments.inconsistency:inconsistency",
        "two-layer relu networks that stay at a bad local minimum (Holzmüller & Steinwart 2020)",
        {
            "width": _width(64),
            "offset": Parameter(0.0, "added to all labels", 0),
            "draws": _draws(400),
            "steps": _steps(3000),
        },
        variables=("event_frequency", "event_frequency_stderr", "median_loss"),
    ),
    "guessed_gradients": Experiment(
        "implicitbias.experiments.guessing:guessed_gradients",
        "cosines of guessed gradients with the true one (Singhal et al. 2023)",
        {
            "width": _width(256),
            "features": Parameter(784, "Gaussian inputs", 2),
            "classes": Parameter(10, "outputs", 2),
            "draws": _draws(200),
        },
        variables=("cosine", "cosine_stderr"), dims=("guess",),
    ),
    "guessed_training": Experiment(
        "implicitbias.experiments.guessed_training:guessed_training",
        "accuracies of networks trained with guessed gradients (Singhal et al. 2023)",
        {
            "width": _width(64),
            "batch": Parameter(50, "training points a step", 1),
            "epochs": Parameter(20, "passes through the training set", 1),
        },
        variables=("train_accuracy", "test_accuracy", "chosen_rate"), dims=("guess",), dtype="float32",
        work=(("epochs", "width"),), task=True, only=(CLASSES,),
    ),
    "boolean_prior": Experiment(
        "implicitbias.experiments.boolean:boolean_prior",
        "the prior of random networks over Boolean functions (Valle-Perez, Camargo & Louis 2019)",
        {
            "inputs": Parameter(7, "bits", 3, 12),
            "width": _width(40),
            "draws": _draws(100000),
            "kept": Parameter(2000, "the most frequent functions that are kept", 1),
        },
        variables=("probability", "complexity", "functions"), dims=("rank",), dtype="float32",
        uses=_perceptrons("plain_relu"),
    ),
    "spectral_bias": Experiment(
        "implicitbias.experiments.spectral:spectral_bias",
        "which frequencies a network learns first (Rahaman et al. 2019)",
        {
            "rising": Parameter(0, "whether higher frequencies have larger amplitudes: 1, or 0 for equal ones", 0, 1),
            "spacing": Parameter(5, "of the ten frequencies, the first of which it is", 1),
            "members": Parameter(1, "networks, each with phases of its own", 1),
            "width": _width(128),
            "depth": Parameter(6, "linear layers", 2),
            "learning_rate": Parameter(3e-4, "step of Adam", 0, exclusive_minimum=True),
            "level": Parameter(0.9, "fraction of the amplitude that counts as learned", 0, 1, exclusive_minimum=True,
                exclusive_maximum=True),
            "steps": _steps(20000),
            "every": Parameter(200, "steps between records", 1),
        },
        variables=("learned", "first_step", "robust"), dims=("member", "frequency", "step", "radius", "direction"),
        minutes=3, work=(("members", "spacing", "width", "depth", "steps"),),
        only=({"steps": Range(minimum="every")},), dtype="float32",
        uses=_perceptrons("plain_relu"),
    ),
    "label_waves": Experiment(
        "implicitbias.experiments.waves:label_waves",
        "how long a classifier resists waves in its labels (Fridovich-Keil, Gontijo-Lopes & Roelofs 2022)",
        {
            "amplitude": Parameter(0.5, "root mean square of the wave; the labels' is 1", 0, exclusive_minimum=True),
            "width": _width(64),
            "depth": Parameter(3, "linear layers", 2),
            "learning_rate": Parameter(0.001, "step of Adam", 0, exclusive_minimum=True),
            "steps": _steps(300),
            "every": Parameter(5, "steps between records", 1),
        },
        variables=("fitted", "fitted_test"), dims=("frequency", "step"), work=(("width", "depth", "steps"),), task=True,
        dtype="float32",
        only=({"steps": Range(minimum="every"), **SIGNS},), uses=_perceptrons("plain_relu"),
    ),
    "guess_and_check": Experiment(
        "implicitbias.experiments.guess_and_check:guess_and_check",
        "random networks that fit against trained ones (Chiang et al. 2023; Peleg & Hein 2024)",
        {
            "architecture": Parameter("pooled_mlp", "of the image classifiers", choices=("pooled_mlp", "lenet")),
            "factor": Parameter(1.0, "factor on the widths of all layers", 0, exclusive_minimum=True),
            "layers": Parameter(5, "weight matrices that are left", 2, 5),
            "networks": Parameter(100, "wanted of each kind", 2),
            "draws": _draws(1_000_000),
            "learning_rate": Parameter(0.01, "step of gradient descent", 0, exclusive_minimum=True),
            "epochs": Parameter(60, "passes of sgd and gd", 1),
        },
        variables=(
            "test_accuracy", "test_accuracy_stderr", "fitting", "normalized_loss",
            "guess_acceptance", "guess_acceptance_stderr",
        ),
        dims=("found_by",), minutes=2, task=True, images=True, dtype="float32",
        uses=(ACTIVATIONS["plain_relu"],),
    ),
    "boolean_posterior": Experiment(
        "implicitbias.experiments.boolean:boolean_posterior",
        "functions of random networks that fit against those of trained ones (Mingard et al. 2021)",
        {
            "inputs": Parameter(7, "bits", 3, 12),
            "width": _width(40),
            "train_size": Parameter(32, "training inputs", 1),
            "draws": _draws(300_000),
            "runs": Parameter(500, "trained networks", 1),
            "learning_rate": Parameter(0.1, "step of SGD", 0, exclusive_minimum=True),
            "batch": Parameter(8, "training points a step", 1),
            "epochs": Parameter(1000, "passes through the training set, at most", 1),
            "kept": Parameter(2000, "the most frequent functions that are kept", 1),
        },
        variables=(
            "bayes_probability", "sgd_probability", "bayes_count", "sgd_count", "bayes_accuracy", "sgd_accuracy",
            "target_complexity",
        ),
        dims=("rank",), minutes=3, dtype="float32",
        work=(("draws", "inputs", "width"), ("runs", "epochs", "train_size", "width")),
        uses=_perceptrons("plain_relu"),
    ),
    "simplicity_bias": Experiment(
        "implicitbias.experiments.simplicity:simplicity_bias",
        "networks that rely on the simplest feature alone (Shah et al. 2020)",
        {
            "data": Parameter(
                "lms_5", "slabs of the first and of the other coordinates",
                choices=("lms_5", "lms_7", "noisy_lms_7", "ms_5_7", "ms_7"),
            ),
            "train_size": Parameter(40_000, "training points", 1),
            "test_size": Parameter(10_000, "test points", 2),
            "features": Parameter(50, "coordinates", 2),
            "width": _width(100),
            "depth": Parameter(3, "linear layers", 2),
            "learning_rate": Parameter(0.3, "step of SGD", 0, exclusive_minimum=True),
            "momentum": Parameter(0.9, "heavy-ball coefficient of SGD", 0, 1, exclusive_maximum=True),
            "weight_decay": Parameter(5e-4, "weight decay of SGD", 0),
            "epochs": Parameter(50, "passes through the training set", 1),
            "batch": Parameter(256, "training points a step", 1),
            "noise": Parameter(0.1, "fraction of points whose linear coordinate is noise (noisy_lms_7)", 0, 1),
        },
        variables=("train_accuracy", "accuracy", "auc", "simple_randomized_auc", "complex_randomized_auc"),
        minutes=2, dtype="float32",
        uses=_perceptrons("plain_relu"),
    ),
    "pruning": Experiment(
        "implicitbias.experiments.pruning:pruning",
        "random pruning before training, on a signal beside noise (Yang et al. 2023)",
        {
            "keep": Parameter(0.5, "probability that a weight is kept", 0, 1, exclusive_minimum=True),
            "width": _width(10),
            "features": Parameter(2000, "coordinates", 2),
            "train_size": Parameter(40, "training points", 1),
            "signal": Parameter(0.7, "size of the signal; the noise's is 1", 0, exclusive_minimum=True),
            "test_size": Parameter(1000, "test points", 2),
            "draws": _draws(20),
            "learning_rate": Parameter(20.0, "step of gradient descent", 0, exclusive_minimum=True),
            "steps": _steps(10_000),
        },
        variables=(
            "train_loss", "train_loss_stderr", "train_error", "train_error_stderr", "test_error", "test_error_stderr",
            "signal_neurons", "signal_neurons_stderr",
        ), dtype="float32",
    ),
    "ball_indicator": Experiment(
        "implicitbias.experiments.ball:ball_indicator",
        "one or two hidden layers for the indicator of a ball (after Safran & Lee 2022)",
        {
            "features": Parameter(10, "coordinates", 2),
            "width": _width(200),
            "train_size": Parameter(1000, "training points", 1),
            "test_size": Parameter(4000, "test points", 2),
            "draws": _draws(4),
            "learning_rate": Parameter(0.01, "step of Adam", 0, exclusive_minimum=True),
            "steps": _steps(4000),
        },
        variables=tuple(
            f"{name}{suffix}" for name in ("train_loss", "test_loss", "best_test_loss", "test_error")
            for suffix in ("", "_stderr")
        ),
        dims=("network",), dtype="float32", work=(("width", "train_size", "draws", "steps"),),
    ),
    "self_attention": Experiment(
        "implicitbias.experiments.self_attention:self_attention",
        "the max-margin problems that a layer of attention solves (Tarzanagh et al. 2023; Vasudeva et al. 2024)",
        {
            "sequences": Parameter(6, "training sequences", 1),
            "tokens": Parameter(8, "of a sequence", 2),
            "features": Parameter(10, "coordinates of a token, at least as many as sequences", 2),
            "learning_rate": Parameter(1.0, "step of gradient descent", 0, exclusive_minimum=True),
            "step_length": Parameter(0.1, "length of normalised steps", 0, exclusive_minimum=True),
            "steps": _steps(2000),
            "draws": Parameter(20, "data sets", 1),
        },
        variables=("frobenius_distance", "nuclear_distance", "attention", "log_excess_loss"),
        dims=("rule", "draw", "step"),
        only=({"features": Range(minimum="sequences")},),
    ),
    "next_token": Experiment(
        "implicitbias.experiments.next_token:next_token",
        "the max-margin problems that a one-layer transformer solves in next-token prediction (Huang et al. 2024)",
        {
            "vocabulary": Parameter(20, "tokens of the language", 4),
            "features": Parameter(30, "coordinates of a token, at least as many as there are tokens", 2),
            "length": Parameter(4, "tokens of a sentence", 2),
            "sentences": Parameter(3, "training sentences of every query", 1),
            "step_length": Parameter(0.1, "length of the steps", 0, exclusive_minimum=True),
            "steps": _steps(2000),
            "draws": Parameter(10, "languages", 1),
        },
        variables=("distance", "log_excess_loss", "largest_margin", "accuracy"),
        dims=("layer", "sentences", "draw", "step"),
        only=({"features": Range(minimum="vocabulary"), "vocabulary": Range(minimum="length")},),
    ),
    "eigenspaces": Experiment(
        "implicitbias.experiments.eigenspaces:eigenspaces",
        "which interactions of patches a network's kernel learns from how many points (Xiao 2022)",
        {
            "topology": Parameter("cnn", "networks: perceptrons, or convolutions whose output sees every place or their"
                " average", choices=("mlp", "cnn", "cnn_global_average")),
            "kernel": Parameter("nngp", "of the infinitely wide network, untrained or trained lazily",
                choices=("nngp", "ntk")),
            "patches": Parameter(8, "patches of a point, side by side", 6, 10),
            "features": Parameter(2, "coordinates of a patch", 2),
            "depth": Parameter(4, "weight layers", 2),
            "train_size": Parameter(512, "training points, at most", 1),
            "test_size": Parameter(256, "test points", 2),
            "draws": _draws(12),
        },
        variables=("learned", "test_loss", "eigenvalue"), dims=("component", "points", "draw"),
        work=(("draws", "depth", "patches", "patches", "train_size", "train_size"),),
        uses=(ARCHITECTURES["cnn"], *_perceptrons("relu")),
    ),
    "information_plane": Experiment(
        "implicitbias.experiments.information_plane:information_plane",
        "what layers hold of the input and the label while they learn (Shwartz-Ziv & Tishby 2017; Saxe et al. 2019)",
        {
            "activation": Parameter("tanh", "activation of the hidden layers", choices=("tanh", "relu")),
            "train_share": Parameter(0.8, "fraction of the 4096 patterns that is trained on", 0.01, 0.99),
            "learning_rate": Parameter(0.2, "step of SGD", 0, exclusive_minimum=True),
            "batch": Parameter(256, "patterns a step", 1),
            "epochs": Parameter(400, "passes through the training set", 1),
            "bins": Parameter(30, "bins of a neuron's activation", 2, 70),
            "noise_variance": Parameter(0.001, "of the noise that the kernel bound adds", 1e-6),
            "records": Parameter(14, "epochs at which information is taken", 2),
            "draws": _draws(8),
        },
        variables=(
            "input_information", "label_information", "input_information_bound", "label_information_bound",
            "train_accuracy", "test_accuracy",
        ),
        dims=("epoch", "layer", "draw"), dtype="float32", work=(("epochs", "draws"), ("records", "draws")),
    ),
    "linear_student": Experiment(
        "implicitbias.experiments.linear_student:linear_student",
        "a deep linear student of a linear teacher: generalisation without compression (Saxe et al. 2019)",
        {
            "features": Parameter(100, "coordinates", 2),
            "width": _width(100),
            "train_size": Parameter(300, "training points", 1),
            "label_noise": Parameter(0.5, "standard deviation of the teacher's noise", 1e-3),
            "learning_rate": Parameter(0.05, "step of gradient descent", 0, exclusive_minimum=True),
            "steps": _steps(3000),
            "noise_variance": Parameter(0.1, "of the noise added to the hidden layer", 1e-6),
            "init_scale": Parameter(0.1, "factor on the initial weights", 0, exclusive_minimum=True),
            "records": Parameter(30, "steps at which everything is taken", 2),
            "draws": _draws(8),
        },
        variables=("train_loss", "test_loss", "input_information", "label_information"),
        dims=("step", "draw"),
    ),
    "intrinsic_dimension": Experiment(
        "implicitbias.experiments.intrinsic_dimension:intrinsic_dimension",
        "stable ranks of convolutional filters and of noisy data (Zhang, Gao, Zou & Cao 2025)",
        {
            "directions": Parameter(3, "directions K of the clean patches of either label", 1),
            "features": Parameter(100, "coordinates of a patch", 2),
            **_BACKGROUND,
            "train_size": Parameter(200, "training points", 1),
            "test_size": Parameter(1000, "test points", 2),
            "draws": _draws(8),
        },
        variables=_RANKS, dims=("draw",), dtype="float32",
        work=(("features", "train_size", "filters", "steps", "draws"), ("features", "test_size", "filters", "draws")),
        only=({"features": Range(minimum="directions", times=2)},),
    ),
    "intrinsic_dimension_images": Experiment(
        "implicitbias.experiments.intrinsic_dimension:intrinsic_dimension_images",
        "the same for images of two labels beside background noise (Zhang, Gao, Zou & Cao 2025)",
        _BACKGROUND,
        variables=_RANKS, dtype="float32", task=True, only=(SIGNS,),
    ),
    "parity_margins": Experiment(
        "implicitbias.experiments.parity_margins:parity_margins",
        "margins on a parity when neurons may turn, and when their norms alone are trained (Telgarsky 2022)",
        {
            "features": Parameter(8, "signs d, two of which decide", 2),
            "width": _width(512),
            "train_size": Parameter(256, "training points", 1),
            "test_size": Parameter(1000, "test points", 2),
            "step_length": Parameter(1.0, "longest step of gradient descent, a gradient", 0, exclusive_minimum=True),
            "steps": _steps(1200),
            "draws": Parameter(4, "training sets", 1),
        },
        variables=("margin", "test_error"), dims=("network", "draw"), dtype="float32",
        work=(("width", "train_size", "features", "draws", "steps"),),
    ),
    "frequency_bias": Experiment(
        "implicitbias.experiments.spectral:frequency_bias",
        "how fast frequencies on a circle are learned by a Sobolev loss (Yu, Yang & Townsend 2023)",
        {
            "sobolev": Parameter(0.0, "order s of the loss"),
            "points": Parameter(400, "points on the circle", 8),
            "degrees": Parameter(16, "frequencies that are followed", 1),
            "trained": Parameter(3, "frequencies, the lowest, that trained networks learn too", 1),
            "width": _width(128),
            "steps": _steps(10_000),
        },
        variables=("eigenvalue", "half_time", "trained_half_time"), dims=("degree", "trained_degree"),
        work=(("points", "trained", "width", "steps"),),
        only=({"points": Range(minimum="degrees", times=2), "degrees": Range(minimum="trained")},),
        uses=_perceptrons("relu"),
    ),
}  # fmt: skip
