"""Small systems that one function computes whole, data and all: no tasks, no shared training runs."""
