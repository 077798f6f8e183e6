"""Figures of studies: one function a figure, from a study's dataset to a matplotlib figure."""
