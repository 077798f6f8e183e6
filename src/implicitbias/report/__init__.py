"""The report: one self-contained page that answers the question from the data."""
