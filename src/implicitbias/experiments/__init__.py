"""Small systems that one function computes whole, with data, networks or training of their own."""
