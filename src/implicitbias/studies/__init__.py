"""From the files of a grid to one dataset per study, and to what it says: checks and published values."""
