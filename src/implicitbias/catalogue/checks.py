"""Predictions that the report tests, and tables of reference values."""

from implicitbias.catalogue.entries import Entry

_CHECKS = "implicitbias.studies.checks"
CHECKS: dict[str, Entry] = {
    "width_helps_gradient_descent": Entry(
        f"{_CHECKS}.guesses:width_helps_gradient_descent",
        "SGD: rank correlation of width and accuracy (about its mean at each n and seed) above 0 by its 95 % interval",
    ),
    "larger_steps_find_better_functions": Entry(
        f"{_CHECKS}.learning_rate:larger_steps_find_better_functions",
        "at every width, the test error at the smallest learning rate is over 3 times that at the best one (chosen on"
        " the other draws), by its 95 % interval over draws of training points and test points",
    ),
    "margins_are_equal_across_learning_rates": Entry(
        f"{_CHECKS}.learning_rate:margins_are_equal_across_learning_rates",
        "at every learning rate the smallest margin is within 5 % of its mean over all of them, by the 95 % interval"
        " over draws",
    ),
    "the_effect_does_not_shrink_with_width": Entry(
        f"{_CHECKS}.learning_rate:the_effect_does_not_shrink_with_width",
        "the ratio of the test errors at the smallest and the best learning rate is, for the widest networks, over"
        " two thirds of that for the narrowest, by its 95 % interval over draws and test points",
    ),
    "small_steps_tend_to_the_lazy_limit": Entry(
        f"{_CHECKS}.learning_rate:small_steps_tend_to_the_lazy_limit",
        "at the smallest learning rate the widest networks err as the infinitely wide network that gradient descent"
        " trains, within a fifth, by the 95 % interval of the ratio over draws and test points",
    ),
    "alignment_rises_more_with_larger_steps": Entry(
        f"{_CHECKS}.learning_rate:alignment_rises_more_with_larger_steps",
        "the alignment of the tangent kernel with the labels rises during training at the largest learning rate, and by"
        " more than at the smallest: both above 0 by their 95 % intervals over draws",
    ),
    "tangent_features_align_with_the_labels": Entry(
        f"{_CHECKS}.feature_alignment:tangent_features_align_with_the_labels",
        "at every depth, the alignment of the tangent kernel with the labels is higher at the end of training than at"
        " the start, by the 95 % interval of the difference over draws",
    ),
    "effective_rank_of_deep_features_falls": Entry(
        f"{_CHECKS}.feature_alignment:effective_rank_of_deep_features_falls",
        "in the deepest networks the effective rank of the tangent kernel is lower at the end of training than at the"
        " start, by the 95 % interval of the ratio over draws",
    ),
    "deeper_networks_align_more": Entry(
        f"{_CHECKS}.feature_alignment:deeper_networks_align_more",
        "from every depth to the next larger one the alignment of the tangent kernel with the labels, at the end of"
        " training, rises: 95 % intervals of the paired differences over draws above 0",
    ),
    "true_labels_are_aligned_with_first": Entry(
        f"{_CHECKS}.feature_alignment:true_labels_are_aligned_with_first",
        "where part of the labels is random, the tangent kernel makes half of the rise of its alignment with true"
        " labels before half of that with random ones, at every depth: ratio of steps above 1 by its 95 % interval over"
        " draws",
    ),
    "either_half_of_the_projection_suffices": Entry(
        f"{_CHECKS}.learning_rate:either_half_of_the_projection_suffices",
        "with rows of mean 0 alone and with rows of norm 1 alone, the test error at the smallest learning rate is over"
        " twice that at the best, by its 95 % interval over draws and test points",
    ),
    "width_leaves_guesses_alone": Entry(
        f"{_CHECKS}.guesses:width_leaves_guesses_alone",
        "random networks that fit: the widest are within 2.5 points of the narrowest in accuracy",
    ),
    "depth_lowers_accuracy": Entry(
        f"{_CHECKS}.guesses:depth_lowers_accuracy",
        "random networks and SGD's: rank correlation of depth and accuracy (about its mean) below 0 by its 95 %"
        " interval",
    ),
    "trained_networks_beat_guesses": Entry(
        f"{_CHECKS}.guesses:trained_networks_beat_guesses",
        "at every size, SGD's networks are more accurate on the mean than random ones that fit as well",
    ),
    "trained_networks_err_as_random_ones_at_few_points": Entry(
        f"{_CHECKS}.volume:trained_networks_err_as_random_ones_at_few_points",
        "at the study's middle training size, every family of trained networks errs within .02 of random functions of"
        " its class that fit (Chiang et al. 2023), by the 95 % interval over draws and test points",
    ),
    "trained_networks_beat_random_ones_at_few_points": Entry(
        f"{_CHECKS}.volume:trained_networks_beat_random_ones_at_few_points",
        "at the middle training size, every family errs less than random functions that fit (Peleg & Hein 2024): the"
        " gap is above 0 by its 95 % interval",
    ),
    "trained_networks_err_as_a_draw": Entry(
        f"{_CHECKS}.volume:trained_networks_err_as_a_draw",
        "at the largest training size, every family errs within .02 of random functions that fit, as draws of the"
        " posterior would (Mingard et al. 2021), by the 95 % interval",
    ),
    "the_gap_shrinks_with_the_training_set": Entry(
        f"{_CHECKS}.volume:the_gap_shrinks_with_the_training_set",
        "from the middle training size to the largest, the distance of the errors of random functions and of trained"
        " networks shrinks for every family (Pakman, Kreimer & Berchenko 2026), by the 95 % interval of the difference",
    ),
    "the_ratio_grows_with_the_training_set": Entry(
        f"{_CHECKS}.volume:the_ratio_grows_with_the_training_set",
        "from the middle training size to the largest, the error of random functions over that of trained networks"
        " grows for every family, by the 95 % interval of its logarithm",
    ),
    "the_fraction_without_training_grows": Entry(
        f"{_CHECKS}.volume:the_fraction_without_training_grows",
        "from the middle training size to the largest, the fraction of the fall from chance that random functions take"
        " grows for every family, by its 95 % interval",
    ),
    "trained_networks_err_as_the_vote": Entry(
        f"{_CHECKS}.volume:trained_networks_err_as_the_vote",
        "at the largest training size, every family errs within .02 of the vote of all functions that fit, by the 95 %"
        " interval",
    ),
    "larger_volumes_go_with_smaller_errors": Entry(
        f"{_CHECKS}.local_volume:larger_volumes_go_with_smaller_errors",
        "among networks trained on the same points, the rank correlation of local volume and test error is below 0, by"
        " its 95 % interval over draws of training points, at every training size",
    ),
    "local_volumes_are_parts_of_the_whole": Entry(
        f"{_CHECKS}.local_volume:local_volumes_are_parts_of_the_whole",
        "no local volume is above the probability that the infinitely wide network fits, by more than three standard"
        " errors",
    ),
    "local_volumes_are_known": Entry(
        f"{_CHECKS}.local_volume:local_volumes_are_known",
        "the standard error of the local volume's logarithm is below .5 for nine networks in ten: where it is not, a"
        " few directions decide, and the estimate is a lower bound",
    ),
    "convolutions_are_the_better_prior": Entry(
        f"{_CHECKS}.priors:convolutions_are_the_better_prior",
        "on labels with structure the average function that fits errs less under convolutions than under the"
        " perceptron: paired differences of Gibbs errors over draws below 0 by their 95 % intervals",
    ),
    "networks_beat_their_architectures_average": Entry(
        f"{_CHECKS}.priors:networks_beat_their_architectures_average",
        "on labels with structure trained networks of every architecture err less than its average function that fits:"
        " paired differences over draws below 0 by their 95 % intervals",
    ),
    "complexity_rises_with_the_number_of_classes": Entry(
        f"{_CHECKS}.classes:complexity_rises_with_the_number_of_classes",
        "at equal training sizes the labels' complexity per point rises from every number of classes to the next larger"
        " one: 95 % intervals of the differences over draws above 0",
    ),
    "few_classes_flatter_the_architecture": Entry(
        f"{_CHECKS}.classes:few_classes_flatter_the_architecture",
        "of the fall from chance to the trained networks, random functions that fit the labels take a larger fraction"
        " with the fewest classes than with the most: the 95 % interval of the difference is above 0",
    ),
    "average_functions_of_many_classes_are_no_use": Entry(
        f"{_CHECKS}.classes:average_functions_of_many_classes_are_no_use",
        "with the most classes the average function that fits errs more than twice as often as trained networks, by the"
        " ends of the 95 % intervals",
    ),
    "gradient_descent_adds_little_at_large_label_scales": Entry(
        f"{_CHECKS}.decomposition:gradient_descent_adds_little_at_large_label_scales",
        "at the largest label scale, what gradient descent adds to the infinitely wide network conditioned on the same"
        " targets is within a tenth of the whole fall from chance, by the 95 % intervals",
    ),
    "small_targets_leave_room_for_gradient_descent": Entry(
        f"{_CHECKS}.decomposition:small_targets_leave_room_for_gradient_descent",
        "at the smallest label scale, the deepest trained networks err less, by over .1, than the infinitely wide"
        " network conditioned on the same targets: lower ends of the 95 % intervals",
    ),
    "large_targets_beat_the_orthant_average": Entry(
        f"{_CHECKS}.decomposition:large_targets_beat_the_orthant_average",
        "without any training, the infinitely wide network conditioned on the largest targets errs less than its"
        " average function that fits the signs: 95 % intervals above 0",
    ),
    "trained_networks_follow_the_prior": Entry(
        f"{_CHECKS}.functions:trained_networks_follow_the_prior",
        "Functions that are frequent among random networks that fit are frequent among trained ones: of the functions"
        " that ten networks of both kinds have, at least five, the rank correlation of shares is above 0 by its 95 %"
        " interval over functions.",
    ),
    "trained_networks_are_no_posterior_draws": Entry(
        f"{_CHECKS}.functions:trained_networks_are_no_posterior_draws",
        "Trained networks that fit are more accurate than random ones that fit, so that stochastic gradient descent"
        " does not sample the prior's posterior here: the difference is above 0 by its 95 % interval over targets.",
    ),
    "complexity_falls_with_regularisation": Entry(
        f"{_CHECKS}.functions:complexity_falls_with_regularisation",
        "where training errors are at most .01, geometric complexity falls with the learning rate and with weight"
        " decay: rank correlations (about the mean) below 0 by their 95 % intervals",
    ),
    "complexity_falls_with_depth": Entry(
        f"{_CHECKS}.functions:complexity_falls_with_depth",
        "at initialisation, the deeper the network, the lower its geometric complexity",
    ),
    "networks_rely_on_the_simplest_feature": Entry(
        f"{_CHECKS}.features:networks_rely_on_the_simplest_feature",
        "Without the simplest feature the AUC is within .05 of a half, and without all the others above .99 (where"
        " the simplest is noisy, .98), by the 95 % intervals over draws of training and test points.",
    ),
    "a_noisy_simple_feature_costs_accuracy": Entry(
        f"{_CHECKS}.features:a_noisy_simple_feature_costs_accuracy",
        "Networks whose linear feature is noisy are less accurate than networks that see slabs alone (ms_7, the"
        " control), though slabs decide every label of both: the difference is above 0, and the accuracy of the first"
        " above .9, by the 95 % intervals over draws of training and test points.",
    ),
    "random_labels_cost_accuracy_at_equal_margin": Entry(
        f"{_CHECKS}.margins:random_labels_cost_accuracy_at_equal_margin",
        "at every target all networks fit, both arms' margins agree to a quarter, and random labels cost over .1 in"
        " test error",
    ),
    "averages_beat_members": Entry(
        f"{_CHECKS}.margins:averages_beat_members",
        "at every label scale, an average of networks errs no more than one, within half a point; at the smallest"
        " scale every doubling of their number lowers the error",
    ),
    "deepest_networks_fit": Entry(
        f"{_CHECKS}.systems:deepest_networks_fit", "the deepest networks fit their training sets"
    ),
    "deepest_networks_do_not_fit": Entry(
        f"{_CHECKS}.systems:deepest_networks_do_not_fit",
        "the deepest networks' training error stays above .3, whatever the optimizer and its learning rate",
    ),
    "fitting_depends_on_the_learning_rate": Entry(
        f"{_CHECKS}.systems:fitting_depends_on_the_learning_rate",
        "for every optimizer, training error ends below .2 at the best learning rate, and above .4 at the worst (all"
        " points count as wrong where a network has diverged)",
    ),
    "mild_pruning_is_free_and_extreme_pruning_is_not": Entry(
        f"{_CHECKS}.systems:mild_pruning_is_free_and_extreme_pruning_is_not",
        "Training loss ends below .05 throughout; test error rises by less than .02 from keeping all to keeping a half,"
        " and is above .4 for keeping least, all by the 95 % intervals over draws.",
    ),
    "a_second_layer_finds_the_ball": Entry(
        f"{_CHECKS}.systems:a_second_layer_finds_the_ball",
        "In every dimension two hidden layers, the first random, have a lower test loss at the end than either kind of"
        " networks with one at its best step, chosen on the test points: differences above 0 by their 95 % intervals"
        " over draws. One hidden layer has learned its training points: their mean square error is below .01.",
    ),
    "tanh_compresses_after_the_fit": Entry(
        f"{_CHECKS}.information:tanh_compresses_after_the_fit",
        "With tanh, the last hidden layer holds less of the input at the end than when nine of ten training patterns"
        " were right: the change is below 0, in bins and by kernels, by the 95 % intervals over draws.",
    ),
    "relu_does_not_compress_after_the_fit": Entry(
        f"{_CHECKS}.information:relu_does_not_compress_after_the_fit",
        "With relu, the last hidden layer holds more of the input at the end than when nine of ten training patterns"
        " were right, in bins; and the change is above that with tanh, in bins and by kernels: all above 0 by the 95 %"
        " intervals over draws.",
    ),
    "linear_students_generalise_without_compression": Entry(
        f"{_CHECKS}.information:linear_students_generalise_without_compression",
        "The test loss falls to less than half, while the hidden layer gains information on the input, of which it"
        " never loses a tenth again, by the 95 % intervals over draws.",
    ),
    "filters_are_spared_the_noise": Entry(
        f"{_CHECKS}.dimension:filters_are_spared_the_noise",
        "From the least to the most background noise the data's stable rank more than doubles, and what that of the"
        " filters grows beyond 1 is less than half of what the data's does, by the 95 % interval over draws of data.",
    ),
    "filters_have_the_rank_of_clean_data": Entry(
        f"{_CHECKS}.dimension:filters_have_the_rank_of_clean_data",
        "At every level of noise the filters' stable rank is that of the clean data, within a third, by the 95 %"
        " intervals over draws of data.",
    ),
    "descent_follows_the_regularised_flow": Entry(
        f"{_CHECKS}.functions:descent_follows_the_regularised_flow",
        "distances to the flow of the loss are of order 1 in the step, to the regularised one of order 2 (+-.15, +-.2),"
        " by 95 % intervals over draws",
    ),
    "larger_steps_find_flatter_slopes": Entry(
        f"{_CHECKS}.functions:larger_steps_find_flatter_slopes",
        "at equal loss, the mean squared gradient falls from each step to the next larger one, by 95 % intervals over"
        " draws",
    ),
    "the_cubic_map_has_five_phases": Entry(
        f"{_CHECKS}.quadratic:the_cubic_map_has_five_phases",
        "from no start a loss rises at steps up to 2 sqrt 2 - 2, from some from there to 1, below which all settle; the"
        " period is 2 above 1 and no start settles; somewhere below 2 the Lyapunov exponent is above 0 by its 95 %"
        " interval over starts; none diverges below 2, all above",
    ),
    "orthogonal_data_follow_the_cubic_map": Entry(
        f"{_CHECKS}.quadratic:orthogonal_data_follow_the_cubic_map",
        "models of orthogonal data have these five phases in every draw; periods are the map's in over 95 % of draws"
        " and step sizes; exponents, where positive, are the map's within .02 by the 95 % interval over draws",
    ),
    "generic_data_have_the_phases": Entry(
        f"{_CHECKS}.quadratic:generic_data_have_the_phases",
        "models of Gaussian data usually settle below 1 and have a longer period above, until the Lyapunov exponent is"
        " above 0 by its 95 % interval over draws; under a tenth diverge below 1, over nine tenths above 2",
    ),
    "averaging_steps_lowers_the_test_loss": Entry(
        f"{_CHECKS}.quadratic:averaging_steps_lowers_the_test_loss",
        "in the periodic and in the chaotic phase, predictions averaged over many steps have a lower test loss than the"
        " last weights, by the 95 % interval of the paired difference over draws",
    ),
    "perceptrons_learn_by_order_alone": Entry(
        f"{_CHECKS}.eigenspaces:perceptrons_learn_by_order_alone",
        "with the kernel of perceptrons more is learned of order 1 than of order 2, and of 2 than of 3 (differences,"
        " over all sizes of the training set, above 0), and as much of far interactions as of near ones (within .1),"
        " by 95 % intervals over draws",
    ),
    "convolutions_learn_near_interactions_first": Entry(
        f"{_CHECKS}.eigenspaces:convolutions_learn_near_interactions_first",
        "with the kernel of convolutions more is learned of near interactions than of far ones of the same order, of"
        " three near patches than of two far ones, and of low orders than of high ones, by 95 % intervals over draws",
    ),
    "an_average_over_places_saves_points": Entry(
        f"{_CHECKS}.eigenspaces:an_average_over_places_saves_points",
        "convolutions with a global average learn more of every part from as many points than those without, by 95 %"
        " intervals of the paired differences over draws",
    ),
    "eigenvalues_tell_what_is_learned_first": Entry(
        f"{_CHECKS}.eigenspaces:eigenvalues_tell_what_is_learned_first",
        "of any two parts whose eigenvalues differ, that of the larger one is learned better, both by 95 % intervals"
        " over draws",
    ),
    "kinks_stay_where_they_start": Entry(
        f"{_CHECKS}.systems:kinks_stay_where_they_start",
        "without offset, fewer wide than narrow networks have a kink that leaves (by 2 standard errors); the median"
        " loss of the widest is within 1 % of 2",
    ),
    "an_offset_moves_kinks": Entry(
        f"{_CHECKS}.systems:an_offset_moves_kinks",
        "with the largest offset, the share of networks with a kink that leaves stays above .05 at every width",
    ),
    "better_guesses_are_better": Entry(
        f"{_CHECKS}.systems:better_guesses_are_better",
        "cosines rise from weights to activations, to masked ones, to guesses through the next layer's weights",
    ),
    "better_guesses_train_better": Entry(
        f"{_CHECKS}.systems:better_guesses_train_better",
        "Test accuracy rises from guesses in the weights to guesses in the outputs, to masked ones, to those"
        " through the next layer's weights, to the true gradient: paired differences above 0 by their 95 % intervals"
        " over draws.",
    ),
    "guesses_in_outputs_train_far_better": Entry(
        f"{_CHECKS}.systems:guesses_in_outputs_train_far_better",
        "Networks trained with guesses in the outputs are more accurate than with guesses in the weights, and with the"
        " true gradient than with any guess: paired differences above 0 by their 95 % intervals over draws.",
    ),
    "frequent_functions_are_simple": Entry(
        f"{_CHECKS}.functions:frequent_functions_are_simple",
        "Of the functions seen at least ten times, the more complex are the rarer: the rank correlation of complexity"
        " and probability is below 0 by its 95 % interval over functions.",
    ),
    "prior_is_far_from_uniform": Entry(
        f"{_CHECKS}.functions:prior_is_far_from_uniform",
        "the most frequent function is seen in over 1 % of draws; ranks 10 to 1000 follow Zipf's law: a power law"
        " (R^2 > .9) of slope -1, within a quarter",
    ),
    "low_frequencies_come_first": Entry(
        f"{_CHECKS}.functions:low_frequencies_come_first",
        "Lower frequencies are learned earlier, and those that are never learned are the highest, whatever the"
        " amplitudes: in every network the rank correlation of frequency and first step is above 0 by its 95 %"
        " interval over frequencies.",
    ),
    **{
        name: Entry(f"{_CHECKS}.frequencies:{name}", summary)
        for name, summary in {
            "paths_between_classes_have_higher_frequencies": (
                "at every training size, predictions vary more at frequencies of two cycles a path and more along paths"
                " between classes than within one, between training points and between test points: 95 % intervals of"
                " the differences over draws above 0"
            ),
            "training_raises_frequencies_between_classes": (
                "at every training size, that variation along paths between classes rises from the first checkpoint"
                " after the start to the last, by the 95 % interval of the factor over draws"
            ),
            "training_lowers_frequencies_within_classes": (
                "at every training size, along paths within a class between training points it falls, by the same"
                " interval"
            ),
            "training_lowers_frequencies_within_classes_at_test_points": (
                "at every training size, along paths within a class between test points it falls, by the same interval"
            ),
            "more_points_set_classes_apart": (
                "from the smallest to the largest training size, at the end of training, it rises along paths between"
                " classes and falls along paths within one, between training points: both by their 95 % intervals over"
                " draws"
            ),
            "more_points_set_classes_apart_at_test_points": "the same along paths between test points",
            "fast_waves_are_fitted_later": (
                "waves of higher frequency in the labels are half fitted later: mean rank correlation of frequency and"
                " half-time above 0 by its 95 % interval over draws, at every training size"
            ),
            "only_slow_waves_reach_test_points": (
                "at the end of training, test points have over half of the slowest wave in the labels and under a tenth"
                " of the fastest: both by their 95 % intervals over draws, at every training size"
            ),
            "more_points_carry_faster_waves": (
                "from the smallest to the largest training size, test points have more of the waves, on the mean over"
                " frequencies, by the 95 % interval of the difference over draws"
            ),
        }.items()
    },
    "low_frequencies_survive_noise": Entry(
        f"{_CHECKS}.functions:low_frequencies_survive_noise",
        "After a move of the weights by 2, more is left in the target's phase of the lower half of the learned"
        " frequencies than of the upper half, whatever the amplitudes: differences above 0 by their 95 % intervals"
        " over directions.",
    ),
    "eigenvalues_fall_with_the_degree_squared": Entry(
        f"{_CHECKS}.functions:eigenvalues_fall_with_the_degree_squared",
        "the tangent kernel's eigenvalues on the circle fall with the degree, over its upper half as its power -2,"
        " within .1",
    ),
    "trained_networks_follow_the_sobolev_loss": Entry(
        f"{_CHECKS}.functions:trained_networks_follow_the_sobolev_loss",
        "in trained networks the half-time of the highest degree, over that of the lowest, falls from every order of"
        " the norm to the next: logarithms by their 95 % intervals over networks",
    ),
    "sobolev_loss_turns_the_order": Entry(
        f"{_CHECKS}.functions:sobolev_loss_turns_the_order",
        "half times rise with the degree at the lowest order of the loss, and fall at the highest (rank correlations"
        " above .9 and below -.9)",
    ),
    "rank_falls_faster_in_high_dimension": Entry(
        f"{_CHECKS}.rank:rank_falls_faster_in_high_dimension",
        "smallest initial weights: the share of the initial stable rank falls with the dimension, at every step >= 10",
    ),
    "small_initialisation_lowers_rank": Entry(
        f"{_CHECKS}.rank:small_initialisation_lowers_rank",
        "last step, every dimension: below a tenth from the smallest initial weights, above a half from the largest",
    ),
    "a_step_takes_the_rank": Entry(
        f"{_CHECKS}.rank:a_step_takes_the_rank",
        "In 10,000 dimensions, from a fiftieth of the usual weights, the first step leaves below 1 % of the stable"
        " rank, by the 95 % interval over draws.",
    ),
    "slope_lowers_rank": Entry(
        f"{_CHECKS}.rank:slope_lowers_rank",
        "halves, every initialisation, last step: the larger the slope of the leaky relu, the lower the stable rank",
    ),
    "initialisation_lowers_rank": Entry(
        f"{_CHECKS}.rank:initialisation_lowers_rank",
        "halves, every slope, last step: the smaller the initial weights, the lower the rank; the lowest below 1.1",
    ),
    "limit_is_the_convex_optimum": Entry(
        f"{_CHECKS}.rank:limit_is_the_convex_optimum",
        "cosines of the first layer to its convex optimum, and of the predictor to the SVM, rise (to 1e-4) above .99",
    ),
    "limit_has_rank_two": Entry(
        f"{_CHECKS}.rank:limit_has_rank_two",
        "from the first step on, third over first singular value of the first layer falls, at every dimension to"
        " below .02",
    ),
    "predictor_is_nearly_the_shortest": Entry(
        f"{_CHECKS}.rank:predictor_is_nearly_the_shortest",
        "at the end the linear predictor is at most 2/(1 + slope) times as long as the shortest of the same margin",
    ),
    "margins_equalise": Entry(
        f"{_CHECKS}.rank:margins_equalise",
        "smallest over largest margin rises from the first step on",
    ),
    "loss_times_steps_is_predicted": Entry(
        f"{_CHECKS}.rank:loss_times_steps_is_predicted",
        "halves, orthogonal points, last step: loss times step is n m/(eta (1 + slope^2) d), without slope 2 n m/(eta"
        " d), within a tenth",
    ),
    "rank_of_halves_is_predicted": Entry(
        f"{_CHECKS}.rank:rank_of_halves_is_predicted",
        "halves, orthogonal points, last step: stable rank 1 with a slope, within .03; without, 2p/(p + 1) for p"
        " points of the half's label, within a tenth",
    ),
    "weights_grow_as_the_logarithm": Entry(
        f"{_CHECKS}.rank:weights_grow_as_the_logarithm",
        "degree one, constant steps: |W|/log(step) stays within a factor 1.5 over the last two decades of steps",
    ),
    "small_initialisation_keeps_rank_low": Entry(
        f"{_CHECKS}.rank:small_initialisation_keeps_rank_low",
        "from smaller weights the stable rank is never above (by 1 %), and at the end half; test errors end within .03",
    ),
    "neurons_align_before_the_loss_moves": Entry(
        f"{_CHECKS}.rank:neurons_align_before_the_loss_moves",
        "neurons point at their class's mean (a cosine above .95) while the loss is above 90 % of its initial value;"
        " the rank ends below 2",
    ),
    "loss_falls_as_one_over_t": Entry(
        f"{_CHECKS}.rank:loss_falls_as_one_over_t",
        "Over the last decade of steps the loss L falls as 1/t, with the logarithm that homogeneity of degree H"
        " brings: 1/L grows by (log 1/L)^(2 - 2/H) a step times a constant, which goes as a power of the step within"
        " .1 of 0 by its 95 % interval over draws.",
    ),
    "overfitting_is_benign_in_high_dimension": Entry(
        f"{_CHECKS}.overfitting:overfitting_is_benign_in_high_dimension",
        "All flipped labels are fitted, and at every training size the test error is below .01 at every dimension of 7n"
        " and more, by its 95 % interval over draws. (Judged on networks that stop once they fit, where others are in"
        " the study too.)",
    ),
    "overfitting_harms_in_low_dimension": Entry(
        f"{_CHECKS}.overfitting:overfitting_harms_in_low_dimension",
        "All flipped labels are fitted, and at d = n the test error is above .01, and above that of the average of the"
        " labelled points, which does not fit them, by its 95 % interval over draws at every training size.",
    ),
    "boundary_is_proportional_to_points": Entry(
        f"{_CHECKS}.overfitting:boundary_is_proportional_to_points",
        "A dimension in proportion to n is enough, it need not be n^2 log n: the largest training sets have smaller"
        " errors than the smallest ones at the ratios d/n that would be equivalent if errors depended on d/(n^2 log n),"
        " by the 95 % interval of the mean difference over draws.",
    ),
    "errors_are_those_of_the_largest_margin": Entry(
        f"{_CHECKS}.overfitting:errors_are_those_of_the_largest_margin",
        "Networks that are trained until the hinge loss is 0: at every training size the mean test error over all d/n"
        " agrees, within its 95 % interval over draws, with that of the linear classifier of largest margin as it is"
        " predicted for large n and d, without any free constant.",
    ),
    "each_algorithm_wins_its_margin": Entry(
        f"{_CHECKS}.margins:each_algorithm_wins_its_margin",
        "From every size of initial weights, every margin is largest for the algorithm of steepest descent in its"
        " norm: its ratio to the best other's is above 1 by its 95 % interval over draws. An algorithm of which a"
        " network does not fit has not won.",
    ),
    "matched_soft_margins_never_fall": Entry(
        f"{_CHECKS}.margins:matched_soft_margins_never_fall",
        "at the checkpoints, the soft margin in the algorithm's own norm, once positive, never falls by over 1e-4 of"
        " itself",
    ),
    "mismatched_soft_margins_may_fall": Entry(
        f"{_CHECKS}.margins:mismatched_soft_margins_may_fall",
        "a negative control: for every algorithm, there is another's norm in which the soft margin, once positive,"
        " falls by over 1e-4 of itself between two checkpoints",
    ),
    "smaller_initialisation_raises_margins": Entry(
        f"{_CHECKS}.margins:smaller_initialisation_raises_margins",
        "The smaller the initial weights, the larger the margin of an algorithm in its own norm: ratios from one size"
        " to the next are above 1 by their 95 % intervals over draws. Where a network does not fit there is no margin.",
    ),
    "eulers_identity_holds": Entry(
        f"{_CHECKS}.margins:eulers_identity_holds",
        "<grad f, theta> = M f for homogeneous networks, to a relative 1e-10",
    ),
    "adam_turns_from_linf_to_l2": Entry(
        f"{_CHECKS}.margins:adam_turns_from_linf_to_l2",
        "Adam, smallest epsilon: the margin by the largest weight falls from a peak by a tenth, that by the 2-norm"
        " rises on; with every epsilon the first ends at over twice gradient descent's",
    ),
    "kkt_residuals_fall": Entry(
        f"{_CHECKS}.directions:kkt_residuals_fall",
        "Over the last decade of S, minus the log of the summed loss, stationarity, slackness and the distance to the"
        " gradients' cone fall as powers of S, for every activation and depth: powers below 0 by their 95 % intervals"
        " over draws. How far from 0 they end is among the numbers: stationarity starts near 1.4, at right angles, and"
        " no run is long enough to reach 0.",
    ),
    "directions_converge": Entry(
        f"{_CHECKS}.directions:directions_converge",
        "Over the last decade of S, minus the log of the summed loss, the direction of the weights moves less with"
        " every doubling of S, so that its path is finite, for every activation and depth: the pace falls as a power"
        " of S that is below 0 by its 95 % interval over draws.",
    ),
    "deep_linear_layers_align": Entry(
        f"{_CHECKS}.directions:deep_linear_layers_align",
        "linear networks: second over first singular values fall by half (where they were above a tenth), and"
        " adjacent layers' first singular vectors have cosines above .99",
    ),
    "loss_based_steps_raise_margins": Entry(
        f"{_CHECKS}.margins:loss_based_steps_raise_margins",
        "at the end, steps that follow the loss have 1.5 times the constant ones' (negative) log loss, and a larger"
        " margin",
    ),
    "constant_steps_follow_the_rate": Entry(
        f"{_CHECKS}.directions:constant_steps_follow_the_rate",
        "constant steps, T their sum, H the degree: over the last decade of steps loss times T (log T)^(2 - 2/H)"
        " stays within a factor 2",
    ),
    "mean_gradients_align": Entry(
        f"{_CHECKS}.directions:mean_gradients_align",
        "gradient descent, last step: the mean gradient's cosine with the weights is above .95, the last one's lower",
    ),
    "less_signal_suffices_with_more_points": Entry(
        f"{_CHECKS}.rank:less_signal_suffices_with_more_points",
        "without signal the test error is within .05 of a half; the signal that halves it is smaller with more"
        " training points",
    ),
    "shampoo_raises_the_spectral_margin": Entry(
        f"{_CHECKS}.margins:shampoo_raises_the_spectral_margin",
        "Shampoo ends with a larger margin by the spectral norm than gradient descent and sign descent",
    ),
    "larger_margins_are_further_from_the_boundary": Entry(
        f"{_CHECKS}.margins:larger_margins_are_further_from_the_boundary",
        "from the first fit to the end inputs get further from the decision boundary, and furthest with the"
        " loss-based steps; test errors move by less than .03",
    ),
    "norms_grow_logarithmically": Entry(
        f"{_CHECKS}.directions:norms_grow_logarithmically",
        "constant steps: over at least a decade of steps after the fit, |theta|^H grows linearly in log step: slopes"
        " above 0 and R^2 above .98, for every network and batch size",
    ),
    "late_subgradients_turn_to_kkt_points": Entry(
        f"{_CHECKS}.directions:late_subgradients_turn_to_kkt_points",
        "constant steps: from the fit on, the distance of the weights' direction to the cone of the support points'"
        " gradients falls as a power of the step, for every batch size: a power below 0 by the 95 % interval over"
        " draws. How far from 0 it ends is among the numbers.",
    ),
    "modified_margins_never_fall": Entry(
        f"{_CHECKS}.margins:modified_margins_never_fall",
        "at the checkpoints, the modified margin, once positive, never falls by over 1e-4 of itself",
    ),
    "networks_become_homogeneous": Entry(
        f"{_CHECKS}.margins:networks_become_homogeneous",
        "the relative defect in Euler's identity falls to below a third from the first fit on (or is rounding)",
    ),
    "free_neurons_learn_parities": Entry(
        f"{_CHECKS}.features:free_neurons_learn_parities",
        "networks whose neurons turn fit, and err less on test points than networks of fixed neurons, at every"
        " dimension",
    ),
    "tangent_margin_falls_as_one_over_d": Entry(
        f"{_CHECKS}.features:tangent_margin_falls_as_one_over_d",
        "at the start, on at least d^2 points, the slope of the tangent kernel's log margin against log d is -1,"
        " within a quarter (and not -1/2)",
    ),
    "adam_reaches_the_linf_margin": Entry(
        f"{_CHECKS}.margins:adam_reaches_the_linf_margin",
        "linear model: Adam with steps that fall as t^-1/2 or slower has over 90 % of the best margin by the largest"
        " weight, less the faster they fall; all shares still rise",
    ),
    "gradient_descent_reaches_the_l2_margin": Entry(
        f"{_CHECKS}.margins:gradient_descent_reaches_the_l2_margin",
        "linear model: gradient descent has over 85 % of the best margin by the 2-norm, under 75 % of that by the"
        " largest weight; what is missing falls as 1/log(step), within a quarter",
    ),
    "both_layers_beat_the_output_layer": Entry(
        f"{_CHECKS}.features:both_layers_beat_the_output_layer",
        "At every n of 64 and more, training both layers errs less than training the output layer alone: differences"
        " above 0 by their 95 % intervals over draws of training and test points.",
    ),
    "both_layers_reach_the_published_error": Entry(
        f"{_CHECKS}.features:both_layers_reach_the_published_error",
        "Both layers trained: at every training size of Chizat & Bach's (2020) figure, the mean test error is no larger"
        " than the published one, so far as its 95 % interval over draws can tell.",
    ),
    "output_layer_reaches_the_kernels_margin": Entry(
        f"{_CHECKS}.features:output_layer_reaches_the_kernels_margin",
        "output layer alone: all networks fit, with over 90 % of their kernel's largest margin on the mean",
    ),
    "noise_coordinates_hurt_the_output_layer_more": Entry(
        f"{_CHECKS}.features:noise_coordinates_hurt_the_output_layer_more",
        "test errors rise with the dimension; at every dimension the output layer alone errs more, by over .05",
    ),
    "wide_margin_reaches_a_plateau": Entry(
        f"{_CHECKS}.features:wide_margin_reaches_a_plateau",
        "the margin by the variation norm rises from the smallest to the largest width, and by less than a quarter a"
        " doubling between the two largest",
    ),
    "neurons_keep_to_few_directions": Entry(
        f"{_CHECKS}.features:neurons_keep_to_few_directions",
        "XOR clusters: neurons stay within .02 rad of their axes, and their norms, 1000 apart, end within a tenth, by"
        " the 95 % intervals over draws of the largest angle and of the ratio of norms",
    ),
    "attention_turns_to_its_max_margin": Entry(
        f"{_CHECKS}.attention:attention_turns_to_its_max_margin",
        "under normalised and Polyak steps, one minus the cosine of the attention weights with the max-margin solution"
        " (smallest Frobenius norm) ends below .01 and falls as a power of the step over the last decade: a power below"
        " 0, both by 95 % intervals over draws",
    ),
    "adaptive_steps_turn_faster": Entry(
        f"{_CHECKS}.attention:adaptive_steps_turn_faster",
        "after as many steps, gradient descent is further from the max-margin direction than normalised and than Polyak"
        " steps: ratios of one minus the cosine above 1 by their 95 % intervals over draws",
    ),
    "attention_selects_the_optimal_tokens": Entry(
        f"{_CHECKS}.attention:attention_selects_the_optimal_tokens",
        "under normalised and Polyak steps the optimal token of every sequence ends with over 99 % of the attention, by"
        " the 95 % interval over draws",
    ),
    "factors_find_the_smallest_nuclear_norm": Entry(
        f"{_CHECKS}.attention:factors_find_the_smallest_nuclear_norm",
        "weights trained as a product Q K^T end nearer in direction to the max-margin solution of smallest nuclear norm"
        " than to that of smallest Frobenius norm, weights trained as they are the other way round; where"
        " the factors select all optimal tokens, one minus their cosine ends below .01 and still falls: 95 % intervals"
        " over draws",
    ),
    "both_layers_turn_to_their_max_margins": Entry(
        f"{_CHECKS}.attention:both_layers_turn_to_their_max_margins",
        "one minus the cosine of either layer's weights with their max-margin solution ends below .01 and falls as a"
        " power of the step over the last decade: a power below 0, both by 95 % intervals over draws",
    ),
    "losses_fall_at_the_rate_of_the_margins": Entry(
        f"{_CHECKS}.attention:losses_fall_at_the_rate_of_the_margins",
        "over the last two thirds of the steps the log of either stage's excess loss falls on a straight line (R^2"
        " above .999), by the step's length times the largest margin of weights of norm 1 a step: within a tenth, by"
        " the 95 % interval over draws",
    ),
    "predictions_carry_to_unseen_sentences": Entry(
        f"{_CHECKS}.attention:predictions_carry_to_unseen_sentences",
        "the accuracy on unseen sentences ends above .95 where the order of their tokens follows from training, and"
        " above .5 where the other tokens were never seen with the query: lower ends of the 95 % intervals over draws",
    ),
    "turning_neurons_reach_the_global_margin": Entry(
        f"{_CHECKS}.parities:turning_neurons_reach_the_global_margin",
        "networks all of whose weights are trained reach over 95 % of the largest margin of networks that have the two"
        " signs' own directions, at every dimension and width, and the slope of their log margin against log d is -1/2,"
        " within .05: 95 % intervals over draws",
    ),
    "norms_alone_reach_the_margin_of_their_directions": Entry(
        f"{_CHECKS}.parities:norms_alone_reach_the_margin_of_their_directions",
        "networks whose rows change in norm only reach over 80 % of the largest margin with their own directions and"
        " signs, at every dimension and width, by the 95 % intervals over draws",
    ),
    "fixed_directions_cost_margin": Entry(
        f"{_CHECKS}.parities:fixed_directions_cost_margin",
        "with their own directions the largest margin is below that of networks with the two signs' own directions at"
        " every dimension and width, the less so the wider the network, and the more so the higher the dimension: 95 %"
        " intervals over draws",
    ),
    "error_bars_cover": Entry(
        f"{_CHECKS}.architecture:error_bars_cover",
        "On random problems the mixture's estimates lie within 1, 2 and 3 of its standard errors of the truth as"
        " often as Student's t: the intervals of the three shares, 95 % together, hold the nominal ones, so that bars"
        " may be neither too narrow nor too wide.",
    ),
    "order_of_depths_turns": Entry(
        f"{_CHECKS}.depths:order_of_depths_turns",
        "with true labels at the largest n the published estimator gives the deepest network a lower complexity than"
        " the shallowest, and the true probability a higher one: paired differences over draws below and above 0 by"
        " their 95 % intervals",
    ),
    "complexity_falls_and_rises_with_depth": Entry(
        f"{_CHECKS}.depths:complexity_falls_and_rises_with_depth",
        "with decimal labels complexity is not monotone in depth: it is lower at depth 3 than for linear networks"
        " (depth 1), and from depth 3 on it rises at every step: paired differences over draws above 0 by their 95 %"
        " intervals",
    ),
    "seven_layers_are_more_complex_than_two": Entry(
        f"{_CHECKS}.depths:seven_layers_are_more_complex_than_two",
        "with true labels complexity is higher at depth 7 than at depth 2: paired differences over draws above 0 by"
        " their 95 % intervals",
    ),
    "first_points_tighten_the_bound": Entry(
        f"{_CHECKS}.learning_curve:first_points_tighten_the_bound",
        "with true labels at the largest n the PAC-Bayes bound whose prior knows the first m labels lies below the"
        " plain one (by the 95 % interval over draws) and above the Gibbs error (over draws and test points)",
    ),
    "bayes_is_interpolation": Entry(
        f"{_CHECKS}.bayes_point:bayes_is_interpolation",
        "the spherised posterior's Bayes error is that of kernel interpolation, to 0.1 points (or one test point)",
    ),
    "interpolation_halves_gibbs": Entry(
        f"{_CHECKS}.bayes_point:interpolation_halves_gibbs",
        "at n >= 100 kernel interpolation errs at most half as often as a draw of the spherised posterior",
    ),
    "vote_beats_member": Entry(
        f"{_CHECKS}.bayes_point:vote_beats_member",
        "Networks trained to spherised targets err less by majority vote than one by one, at every n: differences"
        " above 0 by their 95 % intervals over draws of training and test points.",
    ),
    "large_margin_acts_as_vote": Entry(
        f"{_CHECKS}.bayes_point:large_margin_acts_as_vote",
        "Single networks of large, equal margins err as the majority vote of networks trained to spherised targets"
        " does, within .05, and less than one of these, at every n, by the 95 % intervals over draws of training and"
        " test points.",
    ),
    "networks_err_as_the_posterior": Entry(
        f"{_CHECKS}.bayes_point:networks_err_as_the_posterior",
        "A network trained to spherised targets errs as a draw of the spherised posterior, and the vote of such"
        " networks as the posterior's centre, both within .05 at every n, by the 95 % intervals over draws of training"
        " points.",
    ),
    "networks_fit": Entry(
        f"{_CHECKS}.architecture:networks_fit", "every trained network fits its training set at the end"
    ),
    "error_falls_with_label_scale": Entry(
        f"{_CHECKS}.label_ray:error_falls_with_label_scale",
        "networks' test error falls with every larger label scale of the study, by the 95 % intervals",
    ),
    "small_labels_hurt": Entry(
        f"{_CHECKS}.architecture:small_labels_hurt",
        "With true labels, networks trained to the smallest labels err more than to the largest, for every kind of"
        " labels, size and depth: differences above 0 by their 95 % intervals over draws of training and test points.",
    ),
    "networks_cross_orthant_average": Entry(
        f"{_CHECKS}.label_ray:networks_cross_orthant_average",
        "networks err more than the average over the orthant at label scale 0.1, and less at 1, by the 95 % intervals",
    ),
    "networks_beat_the_kernel_of_free_rows": Entry(
        f"{_CHECKS}.label_ray:networks_beat_the_kernel_of_free_rows",
        "as published: at label scales of 10 and more, networks whose rows have mean 0 err less than the infinitely"
        " wide network of the other class, whose rows are free (95 % intervals); this is no effect of gradient descent",
    ),
    "networks_err_as_their_own_kernel": Entry(
        f"{_CHECKS}.label_ray:networks_err_as_their_own_kernel",
        "with the kernel of their own class: at label scales of 1 and more, networks and the infinitely wide network"
        " conditioned on the same targets err alike, within .05 by the 95 % intervals",
    ),
    "small_targets_are_an_open_question": Entry(
        f"{_CHECKS}.label_ray:small_targets_are_an_open_question",
        "open: at label scale 0.1 networks err less than the infinitely wide network of their own class conditioned on"
        " the same targets, by the 95 % intervals; no kernel explains it (see the study learning_rate)",
    ),
    "orthant_averages_agree": Entry(
        f"{_CHECKS}.label_ray:orthant_averages_agree",
        "random networks that fit err as the NNGP's average over the orthant, within 3 standard errors",
    ),
    "importance_has_not_converged": Entry(
        f"{_CHECKS}.architecture:importance_has_not_converged",
        "with true labels at n >= 100 the published estimator of the complexity is above the truth by 4 standard"
        " errors, on a median of fewer than ten effective samples (it is unbiased for the probability, so it errs"
        " upwards on average: its bounds are valid but loose)",
    ),
    "bound_above_truth": Entry(
        f"{_CHECKS}.architecture:bound_above_truth",
        "the closed bound lies above the true complexity (by 3 standard errors)",
    ),
    "random_labels_at_chance": Entry(
        f"{_CHECKS}.architecture:random_labels_at_chance",
        "A control, which holds unless test labels leak into training: on random labels networks err half the time,"
        " within .05 by the 95 % interval over draws.",
    ),
    "easier_labels_have_lower_bounds": Entry(
        f"{_CHECKS}.architecture:easier_labels_have_lower_bounds",
        "at every n the bounds are ordered binary < decimal < random",
    ),
}

_REFERENCE = "implicitbias.studies.reference"
PUBLISHED: dict[str, Entry] = {
    "true_complexity": Entry(
        f"{_REFERENCE}.infinite_width:true_complexity", "the true complexity of MNIST's labels, seed 0, computed before"
    ),
    "true_bounds": Entry(
        f"{_REFERENCE}.infinite_width:true_bounds",
        "PAC-Bayes errors at n = 500, true and by the published estimator (MNIST), computed before",
    ),
    "orthant_posterior": Entry(
        f"{_REFERENCE}.infinite_width:orthant_posterior",
        "errors of the posterior on the orthant (MNIST, seed 0), computed before",
    ),
    "bernstein_yue_2021_section4": Entry(
        f"{_REFERENCE}.infinite_width:bernstein_yue_2021_section4",
        "the ends of the curves of section 4 (MNIST, width 5000)",
    ),
    "bernstein_yue_2021_section4_seed0": Entry(
        f"{_REFERENCE}.infinite_width:bernstein_yue_2021_section4_seed0",
        "points along the curves of section 4 (MNIST, width 5000, seed 0)",
    ),
    "bernstein_yue_2021_section5": Entry(
        f"{_REFERENCE}.infinite_width:bernstein_yue_2021_section5", "the label ray of section 5 (MNIST, width 10,000)"
    ),
    "bernstein_yue_2021_bayes_point": Entry(
        f"{_REFERENCE}.infinite_width:bernstein_yue_2021_bayes_point",
        "kernel interpolation as a Bayes point machine (MNIST, decimal, depth 7, width 1000)",
    ),
    "frei_2023_dimension": Entry(
        f"{_REFERENCE}.low_rank:frei_2023_dimension", "stable rank over its start by dimension, another seed"
    ),
    "frei_2023_initialisation": Entry(
        f"{_REFERENCE}.low_rank:frei_2023_initialisation",
        "stable rank over its start by the size of the initial weights, another seed",
    ),
    "frei_2023_limit": Entry(
        f"{_REFERENCE}.low_rank:frei_2023_limit", "where gradient descent on nearly orthogonal data ends, another seed"
    ),
    "karhadkar_2024": Entry(
        f"{_REFERENCE}.low_rank:karhadkar_2024", "test errors on the map of d/n and n (Karhadkar et al. 2024)"
    ),
    "kou_chen_gu_2023": Entry(
        f"{_REFERENCE}.low_rank:kou_chen_gu_2023",
        "stable rank of the positive half, another seed",
    ),
    "steepest_descent_margins": Entry(
        f"{_REFERENCE}.margins:steepest_descent_margins",
        "margins on the small teacher, another seed",
    ),
    "tsilivis_2025_teacher": Entry(
        f"{_REFERENCE}.margins:tsilivis_2025_teacher", "margins of steepest descent on the paper's teacher"
    ),
    "tsilivis_2025_adam": Entry(f"{_REFERENCE}.margins:tsilivis_2025_adam", "margins of Adam on MNIST's 3 and 6"),
    "tsilivis_2025_shampoo": Entry(f"{_REFERENCE}.margins:tsilivis_2025_shampoo", "spectral margins of Shampoo"),
    "zhang_zou_cao_2024": Entry(
        f"{_REFERENCE}.margins:zhang_zou_cao_2024", "margins of Adam and gradient descent in a linear model, longer run"
    ),
    "chizat_bach_2020": Entry(
        f"{_REFERENCE}.margins:chizat_bach_2020", "test errors of wide networks on the disc grid (Chizat & Bach 2020)"
    ),
    "chizat_bach_2020_width": Entry(
        f"{_REFERENCE}.margins:chizat_bach_2020_width", "the variation norm's margin by width (Chizat & Bach 2020)"
    ),
    "peleg_hein_2024": Entry(
        f"{_REFERENCE}.systems:peleg_hein_2024",
        "accuracy of random and trained networks (MNIST, 0 against 7)",
    ),
    "peleg_hein_2024_pairs": Entry(
        f"{_REFERENCE}.systems:peleg_hein_2024_pairs",
        "the same on a harder pair (MNIST, 3 against 5)",
    ),
    "peleg_hein_2024_depth": Entry(
        f"{_REFERENCE}.systems:peleg_hein_2024_depth", "the same for one and four hidden layers (MNIST, 0 against 7)"
    ),
    "peleg_hein_2024_lenet": Entry(
        f"{_REFERENCE}.systems:peleg_hein_2024_lenet", "accuracy of trained LeNets that fit (MNIST, 0 against 7)"
    ),
    "mingard_2021": Entry(f"{_REFERENCE}.systems:mingard_2021", "accuracy of trained networks on Boolean functions"),
    "shah_2020": Entry(f"{_REFERENCE}.systems:shah_2020", "AUC with simple or complex coordinates permuted"),
    "barrett_dherin_2021": Entry(
        f"{_REFERENCE}.systems:barrett_dherin_2021", "distances to the flow and the regularised flow, another network"
    ),
    "holzmueller_steinwart_2020": Entry(
        f"{_REFERENCE}.systems:holzmueller_steinwart_2020", "how often kinks leave, other code"
    ),
    "singhal_2023": Entry(f"{_REFERENCE}.systems:singhal_2023", "cosines of guessed gradients, another seed"),
}
