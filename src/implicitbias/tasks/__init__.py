"""From a source of points to labelled training and test sets."""
