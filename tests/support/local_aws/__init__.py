"""A local AWS for tests and demonstrations: moto's server, with what it lacks for the life of a layer added.

`python -m tests.support.local_aws --port 4566` serves it; tests use `start()`. What is added lives in adapters
(`lambda_api`, …), one module per service, each with an ``install(app)``.
"""

from tests.support.local_aws.server import DEFAULT_ADAPTERS, LocalAws, start

__all__ = ["DEFAULT_ADAPTERS", "LocalAws", "start"]
