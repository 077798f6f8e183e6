"""Stacked networks: an ensemble is a list of weight tensors (member, out, in)."""
