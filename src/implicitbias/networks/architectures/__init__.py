"""Architectures: functions of their own parameters that return the layers of a network.

Each is an entry of `catalogue.ARCHITECTURES`, which holds the parameters' defaults and what they mean. The first two
arguments are the hidden activation, a layer, and the number of outputs. Any module may hold further ones.
"""
