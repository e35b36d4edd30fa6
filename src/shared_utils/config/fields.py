"""The declarations of a Settings class: for each field a reference, a default, validators, and how long it is good."""

from __future__ import annotations

from shared_utils.config.arguments import UNSET, check_seconds, wrong_argument
from shared_utils.config.outcomes import Failure
from shared_utils.config.references import quote
from shared_utils.config.sources.registry import is_reference, make_reference, meant_reference, parse
from shared_utils.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from shared_utils.config.references import Reference

    Validator = Callable[[Any], object]
    Validators = Validator | Iterable[Validator] | None

__all__ = ["Field", "appconfig", "env", "field", "secret", "ssm"]


class Field:
    """Where a field's value comes from, and what is done with it."""

    __slots__ = ("default", "kms_key", "max_age", "max_stale", "reference", "validators")

    def __init__(
        self,
        reference: Reference,
        *,
        default: Any = UNSET,
        validate: Validators = None,
        max_age: float | None = None,
        max_stale: float | None = None,
        kms_key: str | None = None,
    ) -> None:
        where = f"config.{reference.scheme}"
        check_seconds(where, max_age=max_age, max_stale=max_stale)
        if validate is None:
            validators: tuple[Validator, ...] = ()
        elif callable(validate):
            validators = (validate,)
        else:
            validators = tuple(validate) if hasattr(validate, "__iter__") else ()
            if not validators or not all(map(callable, validators)):
                raise wrong_argument(where, "validate", validate, "a function, and a list of functions")
        self.reference = reference
        self.default = default
        self.max_age = max_age
        self.max_stale = max_stale
        self.kms_key = kms_key
        self.validators = validators

    def __repr__(self) -> str:
        return f"<config field {self.reference}>"


def _reference(scheme: str, name: str, key: str | None = None, **options: object) -> Reference:
    """Return the reference of a declaration's arguments.

    Raises:
        ConfigError: one of them is wrong.
    """
    if not isinstance(name, str):
        raise wrong_argument(f"config.{scheme}", "name", name, "texts")
    if key is not None and not isinstance(key, str):
        raise wrong_argument(f"config.{scheme}", "key", key, "texts and None")
    given = {option: _option(value) for option, value in options.items() if value is not None}
    meant = "" if is_reference(name) else meant_reference(name)
    if meant:
        raise ConfigError(f"config.{scheme}: {name!r} looks like a reference, but is none; write {meant}")
    try:
        if is_reference(name):  # a whole reference may be given as the name
            parsed = parse(name)
            if parsed.scheme != scheme:
                raise wrong_argument(f"config.{scheme}", "name", name, f"names and {scheme}:// references")
            return make_reference(scheme, parsed.name, key or parsed.key, {**parsed.options, **given})
        return make_reference(scheme, name, key, given)
    except Failure as failure:
        wrong = f"config.{scheme}: {name!r}: {failure.what}; {failure.hint}"
    raise ConfigError(wrong)


def _option(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def env(name: str, *, default: Any = UNSET, validate: Validators = None) -> Any:
    """Declare a field that comes from an environment variable.

    Args:
        name: the variable. If its value is a reference (``ssm:///…``), the field is what that leads to.
        default: the value when the variable is not set.
        validate: one or more functions of the value that return False or raise ValueError to refuse it.
    """
    return Field(_reference("env", name), default=default, validate=validate)


def ssm(
    name: str,
    *,
    default: Any = UNSET,
    version: int | None = None,
    label: str | None = None,
    decrypt: bool = True,
    recursive: bool = True,
    region: str | None = None,
    kms_key: str | None = None,
    max_age: float | None = None,
    max_stale: float | None = None,
    validate: Validators = None,
) -> Any:
    """Declare a field that comes from SSM Parameter Store.

    Args:
        name: the parameter's name or ARN. A name that ends with a slash is a path: the field is a dict of everything
            below it, by relative name.
        default: the value when there is no such parameter (never when the read is denied or fails).
        version: a pinned version.
        label: a pinned label.
        decrypt: False gives a SecureString's ciphertext.
        recursive: False gives a path's direct children only.
        region: the region to ask, when it is not the function's own.
        kms_key: ARN, id or alias of the key of a SecureString, for `python -m shared_utils.config iam`.
        max_age: seconds for which the value is good.
        max_stale: seconds for which an older one may be used when the source fails.
        validate: one or more functions of the value that return False or raise ValueError to refuse it.
    """
    options: dict[str, Any] = {"version": version, "label": label, "region": region}
    if not decrypt:
        options["decrypt"] = False
    if not recursive:
        options["recursive"] = False
    return Field(
        _reference("ssm", name, **options),
        default=default,
        validate=validate,
        max_age=max_age,
        max_stale=max_stale,
        kms_key=kms_key,
    )


def secret(
    name: str,
    *,
    key: str | None = None,
    default: Any = UNSET,
    stage: str | None = None,
    version_id: str | None = None,
    region: str | None = None,
    kms_key: str | None = None,
    max_age: float | None = None,
    max_stale: float | None = None,
    validate: Validators = None,
) -> Any:
    """Declare a field that comes from Secrets Manager. Annotate it as `Secret` unless you must have the bare text.

    Args:
        name: the secret's name or ARN.
        key: the key of a secret that is a JSON object; ``a.b`` reaches into nested ones.
        default: the value when there is no such secret, or no such key in it.
        stage: a staging label other than AWSCURRENT.
        version_id: one version.
        region: the region to ask, when it is not the function's own.
        kms_key: ARN, id or alias of the secret's key, for `python -m shared_utils.config iam`.
        max_age: seconds for which the value is good.
        max_stale: seconds for which an older one may be used when the source fails.
        validate: one or more functions of the value that return False or raise ValueError to refuse it.
    """
    reference = _reference("secret", name, key, stage=stage, version_id=version_id, region=region)
    return Field(reference, default=default, validate=validate, max_age=max_age, max_stale=max_stale, kms_key=kms_key)


def appconfig(
    application: str,
    environment: str | None = None,
    profile: str | None = None,
    *,
    key: str | None = None,
    default: Any = UNSET,
    region: str | None = None,
    max_age: float | None = None,
    max_stale: float | None = None,
    validate: Validators = None,
) -> Any:
    """Declare a field that comes from AppConfig: a freeform configuration, or feature flags.

    Args:
        application: the application's name or id.
        environment: the environment's name or id.
        profile: the configuration profile's name or id.
        key: a key of a JSON configuration; for feature flags, the flag. A bool field then is whether it is enabled.
        default: the value when nothing is deployed there, or there is no such key.
        region: the region to ask, when it is not the function's own.
        max_age: seconds for which the value is good. AppConfig decides how often it may be asked.
        max_stale: seconds for which an older one may be used when the source fails.
        validate: one or more functions of the value that return False or raise ValueError to refuse it.
    """
    if environment is None and profile is None:
        name = application
    else:
        name = "/".join(quote(part or "") for part in (application, environment, profile))
    reference = _reference("appconfig", name, key, region=region)
    return Field(reference, default=default, validate=validate, max_age=max_age, max_stale=max_stale)


def field(
    reference: str,
    *,
    default: Any = UNSET,
    kms_key: str | None = None,
    max_age: float | None = None,
    max_stale: float | None = None,
    validate: Validators = None,
) -> Any:
    """Declare a field by its reference: ``dynamodb://table/key#attribute``, a registered scheme, or any other.

    Args:
        reference: the whole reference.
        default: the value when there is none.
        kms_key: ARN, id or alias of the key that encrypts it, for `python -m shared_utils.config iam`.
        max_age: seconds for which the value is good.
        max_stale: seconds for which an older one may be used when the source fails.
        validate: one or more functions of the value that return False or raise ValueError to refuse it.
    """
    try:
        parsed = parse(reference)
    except Failure as failure:
        wrong = f"config.field: {reference!r}: {failure.what}; {failure.hint}"
    else:
        return Field(parsed, default=default, validate=validate, max_age=max_age, max_stale=max_stale, kms_key=kms_key)
    raise ConfigError(wrong)
