"""Published layer versions: published, shared, listed in the index, in use, pruned."""
