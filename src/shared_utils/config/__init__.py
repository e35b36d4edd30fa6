"""Configuration: typed settings from the environment, SSM, Secrets Manager and AppConfig, cached, without the SDK."""

from __future__ import annotations

from shared_utils import _lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared_utils.config.defaults import configure, refresh, register_source
    from shared_utils.config.fields import appconfig, env, field, secret, ssm
    from shared_utils.config.lookup import aget, get
    from shared_utils.config.settings import Settings
    from shared_utils.config.types.secret import Secret
    from shared_utils.errors import ConfigError, ConfigUnavailable, InvalidConfig, MissingConfig
else:
    __getattr__, __dir__ = _lazy_names(
        globals(),
        {
            "ConfigError": "shared_utils.errors:ConfigError",
            "ConfigUnavailable": "shared_utils.errors:ConfigUnavailable",
            "InvalidConfig": "shared_utils.errors:InvalidConfig",
            "MissingConfig": "shared_utils.errors:MissingConfig",
            "Secret": "shared_utils.config.types.secret:Secret",
            "Settings": "shared_utils.config.settings:Settings",
            "aget": "shared_utils.config.lookup:aget",
            "appconfig": "shared_utils.config.fields:appconfig",
            "configure": "shared_utils.config.defaults:configure",
            "env": "shared_utils.config.fields:env",
            "field": "shared_utils.config.fields:field",
            "get": "shared_utils.config.lookup:get",
            "refresh": "shared_utils.config.defaults:refresh",
            "register_source": "shared_utils.config.defaults:register_source",
            "secret": "shared_utils.config.fields:secret",
            "ssm": "shared_utils.config.fields:ssm",
        },
    )

__all__ = [
    "ConfigError",
    "ConfigUnavailable",
    "InvalidConfig",
    "MissingConfig",
    "Secret",
    "Settings",
    "aget",
    "appconfig",
    "configure",
    "env",
    "field",
    "get",
    "refresh",
    "register_source",
    "secret",
    "ssm",
]
