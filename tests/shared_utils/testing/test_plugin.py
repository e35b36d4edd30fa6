"""The pytest plugin: fixtures for the tests of functions."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time

import pytest

from shared_utils import get_logger, instrument, logging
from shared_utils.testing import LambdaContext


def test_the_context_is_like_lambdas(lambda_context):
    """It has the attributes of the runtime's own class, with values of the same types."""
    from awslambdaric.lambda_context import LambdaContext as Real

    real = Real("request", None, None, 0, "arn", "tenant")
    attributes = {name for name in vars(real) if not name.startswith("_")}
    assert attributes <= set(dir(lambda_context))
    assert lambda_context.memory_limit_in_mb == "128"
    assert lambda_context.invoked_function_arn.endswith(":function:test-function")
    assert LambdaContext(version="7").invoked_function_arn.endswith(":function:test-function:7")
    assert LambdaContext().aws_request_id != LambdaContext().aws_request_id


def test_the_remaining_time_falls():
    """It starts at the time-out, falls, and never goes below 0."""
    context = LambdaContext(timeout=0.05)
    first = context.get_remaining_time_in_millis()
    time.sleep(0.02)
    second = context.get_remaining_time_in_millis()
    time.sleep(0.05)
    assert 50 >= first > second
    assert context.get_remaining_time_in_millis() == 0


def test_captured_lines_are_easy_to_assert_on(captured_logs):
    """messages, find and one; a test that finds another number of lines fails and shows them."""
    log = get_logger()
    log.info("one", user="ann")
    log.warning("two", user="ann")
    assert captured_logs.messages == ["one", "two"]
    assert captured_logs.find(user="ann").messages == ["one", "two"]
    assert captured_logs.one(level="WARNING")["message"] == "two"
    with pytest.raises(pytest.fail.Exception, match=r"2 lines with .*user.*\n.*one"):
        captured_logs.one(user="ann")
    with pytest.raises(pytest.fail.Exception, match="0 lines"):
        captured_logs.one(missing=None)


def test_each_test_starts_afresh_one(captured_logs, lambda_context):
    """Options, bound values and the cold start of one test ..."""
    logging.configure(level="ERROR", service="changed", redact=["harmless"])
    logging.bind(left="over")
    instrument(lambda event, context: None)({}, lambda_context)


def test_each_test_starts_afresh_two(captured_logs, lambda_context):
    """... are not there in the next."""
    instrument(lambda event, context: logging.info("served", harmless=1))({}, lambda_context)
    line = captured_logs.one(message="served")
    assert (line["cold_start"], line["service"], line["harmless"]) == (True, "service_undefined", 1)
    assert "left" not in line


def run_pytest(folder, source: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on one test file, in a project of its own."""
    (folder / "test_it.py").write_text(textwrap.dedent(source))
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "test_it.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_plugin_loads_by_itself_and_loads_nothing_heavy(tmp_path):
    """In a project that only has the package installed, the fixtures are there, and nothing else is loaded."""
    done = run_pytest(
        tmp_path,
        """
        import sys

        def test_light():
            loaded = {name for name in sys.modules if name.startswith("shared_utils")}
            assert not loaded & {"shared_utils.logging", "shared_utils.metrics", "shared_utils.config"}
            assert not {"structlog", "boto3", "aws_lambda_powertools"} & set(sys.modules)

        def test_fixtures(captured_logs, lambda_context, captured_metrics, config_values):
            from shared_utils import get_logger, instrument
            instrument(lambda event, context: get_logger().info("served"))({}, lambda_context)
            assert captured_logs.one(message="served")["cold_start"] is True
        """,
        "-W",
        "error",
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_metrics_are_strict_and_apart_whichever_test_loads_them(tmp_path):
    """The test that is the first to load metrics is as strict as the rest, and leaves nothing to the next one."""
    done = run_pytest(
        tmp_path,
        """
        import pytest

        def test_first(captured_metrics):
            from shared_utils import metrics
            from shared_utils.errors import MetricsError
            with pytest.raises(MetricsError):
                metrics.add("Size", 1, "Byte")
            metrics.count("Left")

        def test_second(captured_metrics):
            assert captured_metrics.names == []
        """,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_the_lines_of_a_failing_test_are_shown(tmp_path):
    """Pytest reports what was logged when a test fails."""
    done = run_pytest(
        tmp_path,
        """
        from shared_utils import get_logger

        def test_it(captured_logs):
            get_logger().info("look at me")
            assert False
        """,
    )
    assert '"message":"look at me"' in done.stdout
