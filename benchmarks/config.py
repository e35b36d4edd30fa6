"""Reading configuration: shared_utils.config beside Powertools' Parameters, from the same local endpoint, in one run.

`python -m benchmarks.config` prints a table; with ``--json`` the figures, for `python -m benchmarks`. What a cold start
costs is measured there, in AWS's emulator.
"""

from __future__ import annotations

import os
import platform
import threading
import time
from typing import TYPE_CHECKING, Any

from benchmarks.alone import main
from benchmarks.burst import compare_burst
from benchmarks.parameter_endpoint import Endpoint, serve_values
from benchmarks.samples import Comparison, Series
from benchmarks.timing import alternate

if TYPE_CHECKING:
    from collections.abc import Callable

PARAMETERS = {f"/benchmark/p{number}": str(number) for number in range(500)}
SECRETS = {"benchmark/one": '{"key": "first"}', "benchmark/two": '{"key": "second"}'}
POWERTOOLS = "Powertools Parameters"
THREADS = 32
ROUNDS, READS = 9, 20_000


def compare() -> list[Comparison]:
    """Run everything once and return the comparisons, each with its limit."""
    with serve_values(PARAMETERS, SECRETS) as endpoint:
        os.environ |= {
            "AWS_ENDPOINT_URL": endpoint.url,
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "benchmark",
            "AWS_SECRET_ACCESS_KEY": "benchmark",
        }
        rows = [_cached_read(), *_requests(endpoint), *_one_cold_key(endpoint)]
    return [*rows, *compare_burst()]


def grow() -> list[Series]:
    """Return how the cost of a load grows with the number of fields: from the cache, and from the endpoint."""
    from aws_lambda_powertools.utilities import parameters

    from shared_utils import config

    cached: dict[int, float] = {}
    read: dict[str, dict[int, float]] = {"shared_utils": {}, POWERTOOLS: {}}
    with serve_values(PARAMETERS, SECRETS) as endpoint:
        os.environ["AWS_ENDPOINT_URL"] = endpoint.url
        for count in (1, 10, 100, 500):
            names = [f"/benchmark/p{number}" for number in range(count)]
            fields = {f"p{number}": config.ssm(name) for number, name in enumerate(names)}
            settings = type("Settings", (config.Settings,), fields)
            settings.load()
            cached[count] = alternate({"": settings.load}, max(1, 1000 // count), rounds=5)[""].median

            def ours(settings: Any = settings) -> None:
                config.refresh()
                settings.load()

            def theirs(names: list[str] = names) -> None:
                parameters.clear_caches()
                parameters.get_parameters_by_name({name: {} for name in names})

            cases = {"shared_utils": ours, POWERTOOLS: theirs}
            for name, sample in alternate(cases, 1, rounds=5, clock=time.perf_counter).items():
                read[name][count] = sample.median / 1000
    return [
        Series("Settings.load from the cache", "fields", "shared_utils", "µs", cached),
        *(Series("parameters read from the endpoint", "parameters", name, "ms", costs) for name, costs in read.items()),
    ]


def _comparison(  # noqa: PLR0917 - a row of the table, in its order
    work: str, peer_name: str, ours: float, peer: float, unit: str, limit: float | None
) -> Comparison:
    return Comparison("configuration", work, peer_name, ours, peer, unit, limit, platform.python_version())


def _cached_read() -> Comparison:
    from aws_lambda_powertools.utilities import parameters

    from shared_utils import config

    def ours() -> object:
        return config.get("ssm:///benchmark/p1")

    def theirs() -> object:
        return parameters.get_parameter("/benchmark/p1")

    assert ours() == theirs() == "1"
    samples = alternate({"ours": ours, POWERTOOLS: theirs}, READS, rounds=ROUNDS)
    mine, others = samples["ours"].median, samples[POWERTOOLS].median
    return _comparison("a cached read", POWERTOOLS, mine, others, "µs", 0.15)


def _requests(endpoint: Endpoint) -> list[Comparison]:
    from aws_lambda_powertools.utilities import parameters

    from shared_utils import config

    names = [f"/benchmark/p{number}" for number in range(25)]
    fields: dict[str, Any] = {f"p{number}": config.ssm(name) for number, name in enumerate(names)}
    fields |= {f"s{number}": config.secret(name, key="key") for number, name in enumerate(SECRETS)}
    config.refresh()
    ours = _counted(endpoint, type("Settings", (config.Settings,), fields).load)

    def load() -> None:
        parameters.clear_caches()
        parameters.get_parameters_by_name({name: {} for name in names})
        for name in SECRETS:
            parameters.get_secret(name, transform="json")

    theirs = _counted(endpoint, load)
    work = "25 parameters and 2 secrets"
    return [
        _comparison(work, "limit: 5 requests", ours, 5, "requests", 1.0),
        _comparison(work, POWERTOOLS, ours, theirs, "requests", None),
    ]


def _one_cold_key(endpoint: Endpoint) -> list[Comparison]:
    from aws_lambda_powertools.utilities import parameters

    from shared_utils import config

    config.refresh()
    parameters.clear_caches()
    ours = _counted(endpoint, lambda: _at_once(lambda: config.get("ssm:///benchmark/p2")))
    theirs = _counted(endpoint, lambda: _at_once(lambda: parameters.get_parameter("/benchmark/p2")))
    work = f"{THREADS} threads on one cold key"
    return [
        _comparison(work, "limit: 1 request", ours, 1, "requests", 1.0),
        _comparison(work, POWERTOOLS, ours, theirs, "requests", None),
    ]


def _counted(endpoint: Endpoint, work: Callable[[], object]) -> int:
    before = len(endpoint.operations)
    work()
    return len(endpoint.operations) - before


def _at_once(work: Callable[[], object]) -> None:
    barrier = threading.Barrier(THREADS)

    def run() -> None:
        barrier.wait()
        work()

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def measure() -> tuple[list[Comparison], list[Series]]:
    """Run everything once."""
    return compare(), grow()


if __name__ == "__main__":
    raise SystemExit(main("config", __doc__, measure))
