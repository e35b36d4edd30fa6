"""Finds the layer versions that files name: which files there are, what each gives, and what could not be read."""
