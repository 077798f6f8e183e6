"""Optimizers of stacked networks, one a file."""
