"""Metrics of a run's checkpoints: pure functions whose argument names say what they need."""
