"""Figures of studies."""

from implicitbias.catalogue.data import NESTED
from implicitbias.catalogue.entries import Figure
from implicitbias.catalogue.experiments import EXPERIMENTS

_DECOMPOSED = (
    "gibbs_error_by_point", "ray_error_by_point", "lazy_error_by_point", "test_error_by_point",
)  # fmt: skip
_COMPARED = ("train_error", "test_error_by_point", "gibbs_error_by_point", "bayes_error_by_point")
FIGURES: dict[str, Figure] = {
    "decomposition": Figure(
        "implicitbias.figures.decomposition:decomposition",
        "from chance (50 %) to the trained networks: what the prior, the choice of targets and gradient descent each"
        " take off the test error, at the largest training set",
        alt="Bars that lead from an error of one half to that of trained networks, a bar a step, by labels, depth and"
        " label scale",
        needs=_DECOMPOSED,
        axes=("seed",),
    ),
    "decomposition_by_size": Figure(
        "implicitbias.figures.decomposition:decomposition_by_size",
        "the error after each step (prior, targets, lazy, features) against the number of training points, on a"
        " logarithmic scale, on which distances are factors",
        alt="Errors of random, conditioned and trained networks against the number of training points",
        needs=_DECOMPOSED,
        axes=("seed", "train_size"),
    ),
    "lines": Figure(
        "implicitbias.figures.lines:lines",
        "the study's quantities against one of its axes",
        alt="Lines of measured quantities, one panel each, against an axis of the study",
        options=("quantities", "x", "hue", "style", "log"),
    ),
    "scatter": Figure(
        "implicitbias.figures.scatter:scatter",
        "the last of the study's quantities against each of the others, a dot a network",
        alt="Dots of one measured quantity against others, one panel each",
        options=("quantities", "hue", "style", "log"),
        quantities=2,
    ),
    "regions": Figure(
        "implicitbias.figures.regions:regions",
        "where in the plane of the first two coordinates the networks say +1, with the training points",
        alt="Decision regions in a plane, a row a seed, a column a way to train the output layer",
        needs=("plane_output", "plane_point"),
        axes=("seed", "output"),
    ),
    "information_plane": Figure(
        "implicitbias.figures.information_plane:information_plane",
        "what every layer holds of the input and of the label, epoch by epoch, in bins and by a kernel bound",
        alt="Information on the label against information on the input, a dot a layer and epoch, a panel an activation"
        " and an estimate",
        needs=("input_information", "label_information", "input_information_bound", "label_information_bound"),
        axes=("epoch", "layer"),
    ),
    "overfitting_map": Figure(
        "implicitbias.figures.overfitting:overfitting_map",
        "the test error of networks that fit flipped labels, in per cent, by the number of points n and the ratio d/n,"
        " a panel a stopping rule; the line is the predicted boundary, where the linear classifier of largest margin"
        " errs on 1 % (for large n and d), the dashed one where it would be if it were at d in proportion to n^2 log n",
        alt="Map of test errors by number of points and ratio of dimension to it, with the predicted boundary",
        needs=("test_error", "train_error"),
        axes=("features", "train_size", "seed"),
        only=({"source": ("signal_and_noise",)},),
    ),
    "all_runs": Figure(
        "implicitbias.figures.all_runs:all_runs",
        "which metrics predict the test error of all trained networks (rank correlations, 95 % intervals over"
        " draws of training points), and their test errors against the infinitely wide network's average",
        alt="Rank correlations of metrics with the test error; test errors against the architecture's average error",
        needs=("within", "across"),
    ),
    "loss_curves": Figure(
        "implicitbias.figures.loss_curves:loss_curves",
        "the loss of every trained network while it trains, a panel a study, a line a network; a cross is where one has"
        " diverged; losses below 0 are logarithms",
        alt="Training losses against epochs, a panel a study",
        needs=("curve_loss",),
    ),
    "phases": Figure(
        "implicitbias.figures.phases:phases",
        "residuals at the last steps, Lyapunov exponents and test losses of gradient descent against the size of its"
        " steps, of models and of the cubic map that they should follow",
        alt="Residuals, Lyapunov exponents and test losses against the step size, a column a model and kind of data",
        needs=("residual", "map_residual", "lyapunov", "map_lyapunov", "test_loss", "averaged_test_loss"),
    ),
    "stable_rank": Figure(
        "implicitbias.figures.low_rank:stable_rank",
        "stable rank of the first layer over its value at the first checkpoint, while gradient descent runs",
        alt="Stable rank against the step, by dimension and by the size of the initial weights",
        needs=("stable_rank",),
        axes=("features", "init_scale", "step"),
    ),
    "calibration": Figure(
        "implicitbias.figures.orthant:calibration",
        "are the error bars honest: actual against stated error on random problems with known answers, and coverage",
        alt="Actual against stated error, and coverage of the error bars, by estimator",
        needs=EXPERIMENTS["calibration"].variables,
    ),
    "methods": Figure(
        "implicitbias.figures.orthant:methods",
        "every estimator of the complexity minus the default one, with its standard error, against n",
        alt="Differences between estimators of the complexity against the number of training points",
        needs=("complexity",),
        axes=("train_size", "labels", "estimator"),
        estimators=("mixture",),
    ),
    "conclusions": Figure(
        "implicitbias.figures.orthant:conclusions",
        "PAC-Bayes error of shallow and deep networks: by the published estimator, and by the true probability",
        alt="PAC-Bayes errors of two depths by the published estimator and by the true probability",
        needs=("pac_bayes_bound",),
        axes=("train_size", "labels", "depth", "estimator"),
        estimators=("importance", "mixture"),
    ),
    "depth_curve": Figure(
        "implicitbias.figures.depth_curve:depth_curve",
        "complexity of the labels against depth, as the difference to networks with one hidden layer on the same"
        " points, for every constraint on the rows of weight matrices",
        alt="Complexity against depth, a line a constraint on rows, with 95 % intervals",
        needs=("complexity",),
        axes=("depth",),
        estimators=("mixture",),
    ),
    "learning_curve": Figure(
        "implicitbias.figures.learning_curve:learning_curve",
        "what the next label costs the infinitely wide network that knows those before it (differences of complexities,"
        " per label), and PAC-Bayes bounds whose prior knows no labels, or the first m",
        alt="Predictive log loss per label against the number of training points, and two PAC-Bayes bounds above the"
        " Gibbs error",
        needs=("complexity", "pac_bayes_bound", "gibbs_error"),
        axes=("train_size",),
        estimators=("mixture",),
        only=NESTED,
    ),
    "bayes_point": Figure(
        "implicitbias.figures.bayes_point:bayes_point",
        "a draw, the majority and the centre: errors of the infinitely wide network and of trained networks against n",
        alt="Gibbs and Bayes errors, kernel interpolation and trained networks against the number of training points",
        needs=("spherised_gibbs_error", "kernel_interpolation_error", "test_error", "vote_error"),
        axes=("train_size", "targets", "label_scale"),
        values={"targets": ("labels", "spherised")},
    ),
    "learning_rate": Figure(
        "implicitbias.figures.learning_rate:learning_rate",
        "test error, smallest margin and alignment of the tangent kernel against the learning rate, at equal targets,"
        " with the limits of infinite width",
        alt="Test error against the learning rate, with limits of infinite width; smallest margins; kernel alignments",
        needs=("train_error", "test_error", "test_error_by_point", "smallest_margin", "tangent_kernel_alignment"),
        axes=("learning_rate", "seed"),
        numbers=("learning_rate",),
    ),
    "classes": Figure(
        "implicitbias.figures.classes:classes",
        "against the number of classes: complexity per training point; errors of the average function that fits, of the"
        " majority of such functions, and of trained networks; the fraction of the fall from chance that the prior, the"
        " targets and gradient descent each take",
        alt="Complexity per training point, errors and fractions of the fall from chance by number of classes",
        needs=("complexity", "bayes_error_by_point", *_DECOMPOSED),
        axes=("classes", "seed"),
        estimators=("mixture",),
    ),
    "volume_hypothesis": Figure(
        "implicitbias.figures.volume:volume_hypothesis",
        "random functions that fit (average and vote; random networks by guess and check) against families of trained"
        " networks of the same class: errors, their gap, their ratio, and the fraction of the fall from chance that"
        " needs no training, against n",
        alt="Errors of random and of trained networks against the number of training points, with gap, ratio and"
        " fraction below",
        needs=_COMPARED,
        axes=("train_size", "seed"),
    ),
    "volume_claims": Figure(
        "implicitbias.figures.volume:volume_claims",
        "which published claim every family of trained networks supports, and the number that says so",
        alt="A table of families and claims, coloured by whether the claim is supported, undecided or refuted",
        needs=_COMPARED,
        axes=("train_size", "seed"),
    ),
    "architectures": Figure(
        "implicitbias.figures.architectures:architectures",
        "by architecture: complexity per training point, Gibbs and Bayes error of the infinitely wide network, and the"
        " test error of trained networks",
        alt="Complexity per training point, and errors of infinitely wide and of trained networks, by architecture",
        needs=("complexity", "gibbs_error", "bayes_error", "test_error"),
    ),
    "bounds": Figure(
        "implicitbias.figures.generalisation:bounds",
        "test error of trained networks, the average error of the architecture, and PAC-Bayes bounds against n",
        alt="Errors and bounds against the number of training points",
        needs=("test_error", "pac_bayes_bound", "gibbs_error"),
        axes=("train_size",),
    ),
    "data_complexity": Figure(
        "implicitbias.figures.generalisation:data_complexity",
        "bounds and test errors of easy, hard and random labels against n",
        alt="Errors and bounds for three kinds of labels",
        needs=("test_error", "pac_bayes_bound"),
        axes=("train_size", "labels"),
    ),
    "depth": Figure(
        "implicitbias.figures.generalisation:depth",
        "bounds and test errors of shallow and deep networks against n",
        alt="Errors and bounds for two depths",
        needs=("test_error", "pac_bayes_bound"),
        axes=("train_size", "depth"),
    ),
    "label_scale": Figure(
        "implicitbias.figures.generalisation:label_scale",
        "test error of networks trained to large and small labels against n, with the NNGP average",
        alt="Test error for two label scales",
        needs=("test_error", "gibbs_error"),
        axes=("train_size", "label_scale"),
    ),
    "label_ray": Figure(
        "implicitbias.figures.label_ray:label_ray",
        "test error along the ray of label scales, a panel a class of networks: trained networks, the infinitely wide"
        " network of the same class conditioned on the same targets, or trained on them, and averages over all"
        " functions that fit the signs",
        alt="Test errors against the label scale, by class of networks",
        needs=("test_error_by_point", "ray_error_by_point", "gibbs_error_by_point"),
        axes=("label_scale",),
    ),
    "estimator_truth": Figure(
        "implicitbias.figures.generalisation:estimator_truth",
        "what the published estimator says against the true orthant probability, with effective sample sizes: it is"
        " unbiased for the probability, so its complexities are too high on average, and bounds from them valid but"
        " loose",
        alt="Published estimator against the true complexity, and its effective sample size",
        needs=("complexity", "effective_sample_size"),
        axes=("train_size", "estimator"),
        estimators=("importance", "mixture"),
    ),
}
