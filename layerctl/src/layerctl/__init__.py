"""layerctl: builds, proves, publishes, shares, pins and prunes AWS Lambda layers."""

__version__ = "1.0.0"
