"""Predictions that the report tests, and tables of reference values."""

from collections.abc import Mapping

from implicitbias.catalogue.entries import Entry

_CHECKS = {
    "guesses": (
        "width_helps_gradient_descent",
        "width_leaves_guesses_alone",
        "depth_lowers_accuracy",
        "trained_networks_beat_guesses",
    ),
    "learning_rate": (
        "larger_steps_find_better_functions",
        "margins_are_equal_across_learning_rates",
        "the_effect_does_not_shrink_with_width",
        "small_steps_tend_to_the_lazy_limit",
        "alignment_rises_more_with_larger_steps",
        "either_half_of_the_projection_suffices",
    ),
    "feature_alignment": (
        "tangent_features_align_with_the_labels",
        "effective_rank_of_deep_features_falls",
        "deeper_networks_align_more",
        "true_labels_are_aligned_with_first",
    ),
    "volume": (
        "trained_networks_err_as_random_ones_at_few_points",
        "trained_networks_beat_random_ones_at_few_points",
        "trained_networks_err_as_a_draw",
        "the_gap_shrinks_with_the_training_set",
        "the_ratio_grows_with_the_training_set",
        "the_fraction_without_training_grows",
        "trained_networks_err_as_the_vote",
    ),
    "local_volume": (
        "larger_volumes_go_with_smaller_errors",
        "local_volumes_are_parts_of_the_whole",
        "local_volumes_are_known",
    ),
    "priors": (
        "convolutions_are_the_better_prior",
        "networks_beat_their_architectures_average",
    ),
    "classes": (
        "complexity_rises_with_the_number_of_classes",
        "few_classes_flatter_the_architecture",
        "average_functions_of_many_classes_are_no_use",
    ),
    "decomposition": (
        "gradient_descent_adds_little_at_large_label_scales",
        "small_targets_leave_room_for_gradient_descent",
        "large_targets_beat_the_orthant_average",
    ),
    "functions": (
        "trained_networks_follow_the_prior",
        "trained_networks_are_no_posterior_draws",
        "complexity_falls_with_regularisation",
        "complexity_falls_with_depth",
        "descent_follows_the_regularised_flow",
        "larger_steps_find_flatter_slopes",
        "frequent_functions_are_simple",
        "prior_is_far_from_uniform",
        "low_frequencies_come_first",
        "low_frequencies_survive_noise",
        "eigenvalues_fall_with_the_degree_squared",
        "trained_networks_follow_the_sobolev_loss",
        "sobolev_loss_turns_the_order",
    ),
    "features": (
        "networks_rely_on_the_simplest_feature",
        "a_noisy_simple_feature_costs_accuracy",
        "free_neurons_learn_parities",
        "tangent_margin_falls_as_one_over_d",
        "both_layers_beat_the_output_layer",
        "both_layers_reach_the_published_error",
        "output_layer_reaches_the_kernels_margin",
        "noise_coordinates_hurt_the_output_layer_more",
        "wide_margin_reaches_a_plateau",
        "neurons_keep_to_few_directions",
    ),
    "margins": (
        "random_labels_cost_accuracy_at_equal_margin",
        "averages_beat_members",
        "each_algorithm_wins_its_margin",
        "matched_soft_margins_never_fall",
        "mismatched_soft_margins_may_fall",
        "smaller_initialisation_raises_margins",
        "eulers_identity_holds",
        "adam_turns_from_linf_to_l2",
        "loss_based_steps_raise_margins",
        "shampoo_raises_the_spectral_margin",
        "larger_margins_are_further_from_the_boundary",
        "modified_margins_never_fall",
        "networks_become_homogeneous",
        "adam_reaches_the_linf_margin",
        "gradient_descent_reaches_the_l2_margin",
    ),
    "systems": (
        "deepest_networks_fit",
        "deepest_networks_do_not_fit",
        "fitting_depends_on_the_learning_rate",
        "mild_pruning_is_free_and_extreme_pruning_is_not",
        "a_second_layer_finds_the_ball",
        "kinks_stay_where_they_start",
        "an_offset_moves_kinks",
        "better_guesses_are_better",
        "better_guesses_train_better",
        "guesses_in_outputs_train_far_better",
    ),
    "information": (
        "tanh_compresses_after_the_fit",
        "relu_does_not_compress_after_the_fit",
        "linear_students_generalise_without_compression",
    ),
    "dimension": (
        "filters_are_spared_the_noise",
        "filters_have_the_rank_of_clean_data",
    ),
    "quadratic": (
        "the_cubic_map_has_five_phases",
        "orthogonal_data_follow_the_cubic_map",
        "generic_data_have_the_phases",
        "averaging_steps_lowers_the_test_loss",
    ),
    "eigenspaces": (
        "perceptrons_learn_by_order_alone",
        "convolutions_learn_near_interactions_first",
        "an_average_over_places_saves_points",
        "eigenvalues_tell_what_is_learned_first",
    ),
    "frequencies": (
        "paths_between_classes_have_higher_frequencies",
        "training_raises_frequencies_between_classes",
        "training_lowers_frequencies_within_classes",
        "training_lowers_frequencies_within_classes_at_test_points",
        "more_points_set_classes_apart",
        "more_points_set_classes_apart_at_test_points",
        "fast_waves_are_fitted_later",
        "only_slow_waves_reach_test_points",
        "more_points_carry_faster_waves",
    ),
    "rank": (
        "rank_falls_faster_in_high_dimension",
        "small_initialisation_lowers_rank",
        "a_step_takes_the_rank",
        "slope_lowers_rank",
        "initialisation_lowers_rank",
        "limit_is_the_convex_optimum",
        "limit_has_rank_two",
        "predictor_is_nearly_the_shortest",
        "margins_equalise",
        "loss_times_steps_is_predicted",
        "rank_of_halves_is_predicted",
        "weights_grow_as_the_logarithm",
        "small_initialisation_keeps_rank_low",
        "neurons_align_before_the_loss_moves",
        "loss_falls_as_one_over_t",
        "less_signal_suffices_with_more_points",
    ),
    "overfitting": (
        "overfitting_is_benign_in_high_dimension",
        "overfitting_harms_in_low_dimension",
        "boundary_is_proportional_to_points",
        "errors_are_those_of_the_largest_margin",
    ),
    "directions": (
        "kkt_residuals_fall",
        "directions_converge",
        "deep_linear_layers_align",
        "constant_steps_follow_the_rate",
        "mean_gradients_align",
        "norms_grow_logarithmically",
        "late_subgradients_turn_to_kkt_points",
    ),
    "attention": (
        "attention_turns_to_its_max_margin",
        "adaptive_steps_turn_faster",
        "attention_selects_the_optimal_tokens",
        "factors_find_the_smallest_nuclear_norm",
        "both_layers_turn_to_their_max_margins",
        "losses_fall_at_the_rate_of_the_margins",
        "predictions_carry_to_unseen_sentences",
    ),
    "parities": (
        "turning_neurons_reach_the_global_margin",
        "norms_alone_reach_the_margin_of_their_directions",
        "fixed_directions_cost_margin",
    ),
    "architecture": (
        "error_bars_cover",
        "networks_fit",
        "small_labels_hurt",
        "importance_has_not_converged",
        "bound_above_truth",
        "random_labels_at_chance",
        "easier_labels_have_lower_bounds",
    ),
    "depths": (
        "order_of_depths_turns",
        "complexity_falls_and_rises_with_depth",
        "seven_layers_are_more_complex_than_two",
    ),
    "learning_curve": ("first_points_tighten_the_bound",),
    "bayes_point": (
        "bayes_is_interpolation",
        "interpolation_halves_gibbs",
        "vote_beats_member",
        "large_margin_acts_as_vote",
        "networks_err_as_the_posterior",
    ),
    "label_ray": (
        "error_falls_with_label_scale",
        "networks_cross_orthant_average",
        "networks_beat_the_kernel_of_free_rows",
        "networks_err_as_their_own_kernel",
        "small_targets_are_an_open_question",
        "orthant_averages_agree",
    ),
}
_REFERENCE = {
    "infinite_width": (
        "true_complexity",
        "true_bounds",
        "orthant_posterior",
        "bernstein_yue_2021_section4",
        "bernstein_yue_2021_section4_seed0",
        "bernstein_yue_2021_section5",
        "bernstein_yue_2021_bayes_point",
    ),
    "low_rank": (
        "frei_2023_dimension",
        "frei_2023_initialisation",
        "frei_2023_limit",
        "karhadkar_2024",
        "kou_chen_gu_2023",
    ),
    "margins": (
        "steepest_descent_margins",
        "tsilivis_2025_teacher",
        "tsilivis_2025_adam",
        "tsilivis_2025_shampoo",
        "zhang_zou_cao_2024",
        "chizat_bach_2020",
        "chizat_bach_2020_width",
    ),
    "systems": (
        "peleg_hein_2024",
        "peleg_hein_2024_pairs",
        "peleg_hein_2024_depth",
        "peleg_hein_2024_lenet",
        "mingard_2021",
        "shah_2020",
        "barrett_dherin_2021",
        "holzmueller_steinwart_2020",
        "singhal_2023",
    ),
}


def _entries(folder: str, modules: Mapping[str, tuple[str, ...]]) -> dict[str, Entry]:
    """Entries of functions of a folder, by the modules that hold them."""
    return {
        name: Entry(f"implicitbias.studies.{folder}.{module}:{name}")
        for module, names in modules.items()
        for name in names
    }


CHECKS: dict[str, Entry] = _entries("checks", _CHECKS)
"""What each of them states is the first paragraph of its function's docstring."""

PUBLISHED: dict[str, Entry] = _entries("reference", _REFERENCE)
"""What each of them holds is the first paragraph of its function's docstring."""
