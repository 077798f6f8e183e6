"""Training an ensemble: all members at once, each as if it were alone."""
