"""Deleting the layer versions that nobody needs: seen, planned, and only then done."""
