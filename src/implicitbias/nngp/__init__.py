"""Infinite-width quantities: kernels, orthant probabilities, posteriors and bounds. Float64 throughout."""
