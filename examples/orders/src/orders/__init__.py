"""The orders service: an API and the consumer of a queue, on one table."""
