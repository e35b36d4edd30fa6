"""What Lambda's managed runtimes are: operating system, glibc, architectures, dates, bytecode, limits.

A new runtime is one more row of the table below; nothing else in layerctl names versions of Python.

Sources, all in the AWS Lambda developer guide:
- "Lambda runtimes" (lambda-runtimes.html), tables "Supported runtimes" and "Deprecated runtimes": operating system and
  the dates of deprecation, of the end of function creation and of function updates. State: November 2026.
- "Lambda quotas" (gettingstarted-limits.html): layers per function, deployment package sizes.
- CPython's Include/internal/pycore_magic_number.h: the magic number of each release's bytecode.
- "Layers" (chapter-layers.html) and the unpacking order described there: /opt, later layers over earlier ones.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ARCHITECTURES",
    "MAX_LAYERS",
    "MAX_UNZIPPED",
    "MAX_UPLOAD",
    "PROVIDED_OTHER",
    "PROVIDED_SDK",
    "RUNTIMES",
    "RUNTIMES_DOCUMENT",
    "USUAL_RELEASES",
    "Runtime",
    "extension_suffixes",
    "import_roots",
    "marker_environment",
    "newest_python",
    "python_version",
    "runtime_of",
    "sorted_pythons",
    "supported_pythons",
]

RUNTIMES_DOCUMENT = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"

MAX_LAYERS = 5
MAX_UNZIPPED = 262_144_000  # bytes: code and layers together, unzipped (250 MiB)
MAX_UPLOAD = 52_428_800  # bytes: one zip uploaded directly, without S3 (50 MiB)

# Lambda's name of an architecture -> what `uname -m`, wheels and extension file names call it.
ARCHITECTURES = {"x86_64": "x86_64", "arm64": "aarch64"}

# The distributions that every Python runtime has beside the standard library. AWS does not publish their versions.
PROVIDED_SDK = frozenset({"boto3", "botocore", "s3transfer", "urllib3", "python-dateutil", "six"})
PROVIDED_OTHER = frozenset({"awslambdaric", "jmespath", "snapshot-restore-py", "simplejson"})

# glibc of the operating system below a runtime (Amazon Linux 1, 2, 2023).
_GLIBC = {"al1": (2, 17), "al2": (2, 26), "al2023": (2, 34)}


@dataclass(frozen=True, slots=True)
class Runtime:
    """One managed runtime.

    Attributes:
        name: the identifier, as templates write it.
        system: ``al1``, ``al2`` or ``al2023``.
        deprecated: from this day on it gets no security patches; None: no date is published.
        create_blocked, update_blocked: from this day on functions on it can't be created, or updated.
        magic: the number that its Python's ``.pyc`` files begin with; None: not known, or another language.
    """

    name: str
    system: str
    deprecated: dt.date | None = None
    create_blocked: dt.date | None = None
    update_blocked: dt.date | None = None
    magic: int | None = None

    @property
    def python(self) -> tuple[int, int] | None:
        """The Python version, e.g. ``(3, 13)``; None for another language."""
        return python_version(self.name)

    @property
    def glibc(self) -> tuple[int, int]:
        """The version of the C library."""
        return _GLIBC[self.system]

    @property
    def architectures(self) -> tuple[str, ...]:
        """What it runs on. Graviton came with Amazon Linux 2."""
        return ("x86_64",) if self.system == "al1" or self.name == "nodejs10.x" else ("x86_64", "arm64")


def _runtimes(*rows: tuple[str, str, str] | tuple[str, str, str, int]) -> dict[str, Runtime]:
    runtimes = {}
    for name, system, dates, *magic in rows:
        deprecated, create_blocked, update_blocked = (
            dt.date.fromisoformat(day) if day != "-" else None for day in dates.split()
        )
        runtimes[name] = Runtime(name, system, deprecated, create_blocked, update_blocked, *magic)
    return runtimes


# identifier, operating system, days of: deprecation, no creation, no update ("-": not published); bytecode's number
RUNTIMES: dict[str, Runtime] = _runtimes(
    ("python2.7", "al1", "2021-07-15 2021-07-15 2022-05-30"),
    ("python3.6", "al1", "2022-07-18 2022-07-18 2022-08-29"),
    ("python3.7", "al1", "2023-12-04 2024-01-09 2027-03-03"),
    ("python3.8", "al2", "2024-10-14 2027-02-01 2027-03-03"),
    ("python3.9", "al2", "2025-12-15 2027-02-01 2027-03-03"),
    ("python3.10", "al2", "2026-10-31 2027-02-01 2027-03-03"),
    ("python3.11", "al2", "2027-06-30 2027-07-31 2027-08-31", 3495),
    ("python3.12", "al2023", "2028-10-31 2028-11-30 2029-01-10", 3531),
    ("python3.13", "al2023", "2029-06-30 2029-07-31 2029-08-31", 3571),
    ("python3.14", "al2023", "2029-06-30 2029-07-31 2029-08-31", 3627),
    ("nodejs", "al1", "2016-08-30 2016-09-30 2016-10-31"),
    ("nodejs4.3", "al1", "2020-03-05 2020-02-03 2020-03-05"),
    ("nodejs4.3-edge", "al1", "2020-03-05 2019-03-31 2019-04-30"),
    ("nodejs6.10", "al1", "2019-08-12 2019-07-12 2019-08-12"),
    ("nodejs8.10", "al1", "2020-03-06 2020-02-04 2020-03-06"),
    ("nodejs10.x", "al2", "2021-07-30 2021-07-30 2022-02-14"),
    ("nodejs12.x", "al2", "2023-03-31 2023-03-31 2023-04-30"),
    ("nodejs14.x", "al2", "2023-12-04 2024-01-09 2027-03-03"),
    ("nodejs16.x", "al2", "2024-06-12 2027-02-01 2027-03-03"),
    ("nodejs18.x", "al2", "2025-09-01 2027-02-01 2027-03-03"),
    ("nodejs20.x", "al2023", "2026-04-30 2027-02-01 2027-03-03"),
    ("nodejs22.x", "al2023", "2027-04-30 2027-06-01 2027-07-01"),
    ("nodejs24.x", "al2023", "2028-04-30 2028-06-01 2028-07-01"),
    ("java8", "al1", "2024-01-08 2024-02-08 2027-03-03"),
    ("java8.al2", "al2", "2027-06-30 2027-07-31 2027-08-31"),
    ("java11", "al2", "2027-06-30 2027-07-31 2027-08-31"),
    ("java17", "al2", "2027-06-30 2027-07-31 2027-08-31"),
    ("java21", "al2023", "2029-06-30 2029-07-31 2029-08-31"),
    ("java25", "al2023", "2029-06-30 2029-07-31 2029-08-31"),
    ("dotnetcore1.0", "al1", "2019-06-27 2019-06-30 2019-07-30"),
    ("dotnetcore2.0", "al1", "2019-05-30 2019-04-30 2019-05-30"),
    ("dotnetcore2.1", "al1", "2022-01-05 2022-01-05 2022-04-13"),
    ("dotnetcore3.1", "al2", "2023-04-03 2023-04-03 2023-05-03"),
    ("dotnet6", "al2", "2024-12-20 2027-02-01 2027-03-03"),
    ("dotnet8", "al2023", "2026-11-10 2027-02-01 2027-03-03"),
    ("dotnet10", "al2023", "2028-11-14 2028-12-14 2029-01-15"),
    ("ruby2.5", "al1", "2021-07-30 2021-07-30 2022-03-31"),
    ("ruby2.7", "al2", "2023-12-07 2024-01-09 2027-03-03"),
    ("ruby3.2", "al2", "2026-03-31 2027-02-01 2027-03-03"),
    ("ruby3.3", "al2023", "2027-03-31 2027-04-30 2027-05-31"),
    ("ruby3.4", "al2023", "2028-03-31 2028-04-30 2028-05-31"),
    ("ruby4.0", "al2023", "2029-03-31 2029-04-30 2029-05-31"),
    ("go1.x", "al1", "2024-01-08 2024-02-08 2027-03-03"),
    ("provided", "al1", "2024-01-08 2024-02-08 2027-03-03"),
    ("provided.al2", "al2", "2026-07-31 2027-02-01 2027-03-03"),
    ("provided.al2023", "al2023", "2029-06-30 2029-07-31 2029-08-31"),
)


# A release of each Python runtime that is widely had: what a new layer.toml names where no interpreter of it is here.
USUAL_RELEASES = {"python3.11": "3.11.7", "python3.12": "3.12.1", "python3.13": "3.13.0", "python3.14": "3.14.0"}


def runtime_of(name: str) -> Runtime | None:
    """The runtime of that identifier; None for one that this table does not know (too new, or a typo)."""
    return RUNTIMES.get(name)


def python_version(runtime: str) -> tuple[int, int] | None:
    """Return ``(3, 13)`` of ``python3.13``, also of one that the table does not know; None for another language."""
    match = re.fullmatch(r"python(\d+)\.(\d+)", runtime)
    return (int(match[1]), int(match[2])) if match else None


def sorted_pythons(runtimes: Iterable[str]) -> list[str]:
    """Return identifiers of Python runtimes, the oldest first."""
    return sorted(runtimes, key=lambda runtime: python_version(runtime) or (0, 0))


def newest_python(today: dt.date) -> Runtime:
    """The newest Python runtime that is not deprecated on `today`, for hints; else the newest of all."""
    pythons = supported_pythons(today) or supported_pythons(dt.date.min)
    return pythons[-1]


def supported_pythons(today: dt.date) -> list[Runtime]:
    """The Python runtimes that are not deprecated on `today`, the newest last."""
    pythons = [runtime for runtime in RUNTIMES.values() if runtime.python]
    alive = [runtime for runtime in pythons if runtime.deprecated is None or runtime.deprecated > today]
    return sorted(alive, key=lambda runtime: runtime.python or (0, 0))


def marker_environment(runtime: Runtime, architecture: str) -> dict[str, str]:
    """What `packaging.markers.Marker.evaluate` needs to judge a requirement for a function (PEP 508).

    The patch level of a managed runtime moves without notice, so `python_full_version` names its first release.

    Args:
        runtime: a Python runtime.
        architecture: ``x86_64`` or ``arm64``.
    """
    assert runtime.python is not None
    version = ".".join(str(part) for part in runtime.python)
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{version}.0",
        "os_name": "posix",
        "platform_machine": ARCHITECTURES[architecture],
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{version}.0",
        "python_version": version,
        "sys_platform": "linux",
        "extra": "",
    }


def extension_suffixes(runtime: Runtime, architecture: str) -> tuple[str, ...]:
    """The endings by which the import system of that runtime finds extension modules, in its order.

    The same as `importlib.machinery.EXTENSION_SUFFIXES` there. Python 3.15 takes two more kinds of the stable ABI: with
    the platform in the name (python/cpython #122931), and that of free-threaded builds, ``abi3t`` (PEP 803).
    """
    assert runtime.python is not None
    major, minor = runtime.python
    platform = f"{ARCHITECTURES[architecture]}-linux-gnu.so"
    stable: tuple[str, ...] = (".abi3.so",)
    if (major, minor) >= (3, 15):
        stable = tuple(f".{abi}{ending}" for abi in ("abi3", "abi3t") for ending in (f"-{platform}", ".so"))
    return (f".cpython-{major}{minor}-{platform}", *stable, ".so")


def import_roots(runtime: Runtime) -> Iterable[str]:
    """Where a layer's modules are found, as prefixes below /opt, in the order of `sys.path`."""
    assert runtime.python is not None
    major, minor = runtime.python
    return (f"python/lib/python{major}.{minor}/site-packages/", "python/")
