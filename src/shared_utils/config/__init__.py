"""Configuration: typed settings from the environment, SSM, Secrets Manager and AppConfig, cached, without the SDK.

Names load on first use (PEP 562), so that a function pays only for what it reads.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from shared_utils.config.access import get
    from shared_utils.config.defaults import configure, refresh
    from shared_utils.config.fields import appconfig, env, secret, ssm
    from shared_utils.config.settings import Settings
    from shared_utils.config.types.secret import Secret
    from shared_utils.errors import ConfigError, ConfigUnavailable, InvalidConfig, MissingConfig

__all__ = [
    "ConfigError",
    "ConfigUnavailable",
    "InvalidConfig",
    "MissingConfig",
    "Secret",
    "Settings",
    "appconfig",
    "configure",
    "env",
    "get",
    "refresh",
    "secret",
    "ssm",
]

# Where each public name lives.
_HOMES = {
    "ConfigError": "shared_utils.errors",
    "ConfigUnavailable": "shared_utils.errors",
    "InvalidConfig": "shared_utils.errors",
    "MissingConfig": "shared_utils.errors",
    "Secret": "shared_utils.config.types.secret",
    "Settings": "shared_utils.config.settings",
    "appconfig": "shared_utils.config.fields",
    "configure": "shared_utils.config.defaults",
    "env": "shared_utils.config.fields",
    "get": "shared_utils.config.access",
    "refresh": "shared_utils.config.defaults",
    "secret": "shared_utils.config.fields",
    "ssm": "shared_utils.config.fields",
}


def __getattr__(name: str) -> object:
    """Import the public name on first access and keep it."""
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    from importlib import import_module

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
