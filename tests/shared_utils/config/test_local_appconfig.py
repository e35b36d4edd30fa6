"""AppConfig of the local AWS: the SDK and our own transport read what was put there."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest

from shared_utils import config
from tests.support.local_aws import LocalAws, start


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """A local AWS."""
    with start() as served:
        yield served


@pytest.fixture
def profile(aws: LocalAws, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> tuple[str, str]:
    """An application's profile with one hosted version; its two ids."""
    for name, value in aws.environ.items():
        monkeypatch.setenv(name, value)
    control = boto3.client("appconfig")
    application = control.create_application(Name=request.node.name)["Id"]
    made = control.create_configuration_profile(ApplicationId=application, Name="flags", LocationUri="hosted")["Id"]
    put(application, made, b'{"limit": 5}')
    return application, made


def put(application: str, profile: str, content: bytes) -> None:
    """Put a new version."""
    boto3.client("appconfig").create_hosted_configuration_version(
        ApplicationId=application, ConfigurationProfileId=profile, Content=content, ContentType="application/json"
    )


def test_the_sdk_reads_versions_as_they_come(profile: tuple[str, str]) -> None:
    """A session gets the newest version once, then nothing until there is another; a token is good for one call."""
    data = boto3.client("appconfigdata")
    started = data.start_configuration_session(
        ApplicationIdentifier=profile[0], EnvironmentIdentifier="dev", ConfigurationProfileIdentifier=profile[1]
    )
    first = data.get_latest_configuration(ConfigurationToken=started["InitialConfigurationToken"])
    assert first["Configuration"].read() == b'{"limit": 5}'
    again = data.get_latest_configuration(ConfigurationToken=first["NextPollConfigurationToken"])
    assert again["Configuration"].read() == b""
    put(*profile, b'{"limit": 7}')
    newer = data.get_latest_configuration(ConfigurationToken=again["NextPollConfigurationToken"])
    assert newer["Configuration"].read() == b'{"limit": 7}'
    with pytest.raises(data.exceptions.BadRequestException):
        data.get_latest_configuration(ConfigurationToken=started["InitialConfigurationToken"])


@pytest.mark.usefixtures("real_aws", "profile")
def test_configuration_reads_it() -> None:
    """`config.get` reads a profile by the names of application and profile; one that is not there is missing."""
    assert config.get("appconfig://test_configuration_reads_it/dev/flags", type=dict) == {"limit": 5}
    with pytest.raises(config.MissingConfig):
        config.get("appconfig://test_configuration_reads_it/dev/nothing")
