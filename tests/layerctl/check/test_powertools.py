"""What the code uses of Powertools and the layer lacks, held against Powertools itself."""

import json
import subprocess
import sys
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement

from layerctl.check.given import find_templates
from layerctl.check.report import check_templates
from layerctl.python.powertools_parts import EXTRAS, parts_used

# Uses of Powertools -> the extra that each needs; none: Powertools alone is enough.
USES = {
    "from aws_lambda_powertools import Tracer\nTracer()": "tracer",
    "from aws_lambda_powertools.tracing import Tracer\nTracer()": "tracer",
    "from aws_lambda_powertools.utilities.parser import BaseModel": "parser",
    "import aws_lambda_powertools.utilities.parser.models": "parser",
    "from aws_lambda_powertools.utilities import parser": "parser",
    "from aws_lambda_powertools.event_handler.openapi.params import Query": "parser",
    "from aws_lambda_powertools.event_handler import APIGatewayRestResolver as R\nR(enable_validation=True)": "parser",
    "from aws_lambda_powertools.utilities.idempotency.serialization.pydantic import PydanticSerializer": "parser",
    "from aws_lambda_powertools.utilities.validation import validate": "validation",
    "from aws_lambda_powertools.utilities.data_masking import DataMasking": "datamasking",
    "from aws_lambda_powertools.utilities.data_masking.provider.kms.aws_encryption_sdk import X": "datamasking-kms",
    "from aws_lambda_powertools.utilities.idempotency.persistence.redis import RedisCachePersistenceLayer": "redis",
    "from aws_lambda_powertools.utilities.auth_alpha.jwt.verifier import X": "jwt",
    "from aws_lambda_powertools.utilities.kafka.deserializer.avro import AvroDeserializer": "kafka-consumer-avro",
    "from aws_lambda_powertools.utilities.kafka.deserializer.protobuf import X": "kafka-consumer-protobuf",
    "from aws_lambda_powertools import Logger, Metrics\nLogger()\nMetrics(namespace='x')": None,
    "from aws_lambda_powertools.event_handler import APIGatewayHttpResolver\nAPIGatewayHttpResolver()": None,
    "from aws_lambda_powertools.utilities.batch import BatchProcessor": None,
    "from aws_lambda_powertools.utilities.data_classes import SQSEvent": None,
    "from aws_lambda_powertools.utilities.feature_flags import FeatureFlags": None,
    "from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer": None,
    "from aws_lambda_powertools.utilities.parameters import get_parameter": None,
    "from aws_lambda_powertools.utilities.typing import LambdaContext": None,
}
_TRY = """
import json, os, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if any(name == one or name.startswith(one + ".") for one in BLOCKED):
            raise ModuleNotFoundError(name)

uses, BLOCKED = json.load(sys.stdin)
sys.meta_path.insert(0, Blocked())
os.environ["LAMBDA_TASK_ROOT"] = "/var/task"
failed = []
for use in uses:
    try:
        exec(use, {})
    except ModuleNotFoundError as error:
        failed.append(use)
print(json.dumps(failed))
"""


def test_the_parts_are_powertools_own():
    """In the Powertools that is installed, without what the extras bring, exactly these uses fail."""
    blocked = [module for modules in EXTRAS.values() for module in modules]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _TRY],
        input=json.dumps([list(USES), blocked]),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout) == [use for use, extra in USES.items() if extra]


def test_the_extras_are_powertools_own():
    """Each extra that is told of is one that the installed Powertools has."""
    markers = [str(Requirement(text).marker) for text in requires("aws-lambda-powertools") or ()]
    for extra in EXTRAS:
        assert f'extra == "{extra.removesuffix("-kms")}"' in markers


@pytest.mark.parametrize("use", USES)
def test_uses(use):
    """Each use is found, with its extra; what needs none is no use."""
    found = [one.extra for one in parts_used(f"{use}\n".encode())]
    assert found == ([USES[use]] if USES[use] else [])


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    from aws_lambda_powertools import Tracer\nexcept ImportError:\n    Tracer = None\n",
        "if TYPE_CHECKING:\n    from aws_lambda_powertools.utilities.parser import BaseModel\n",
        "if typing.TYPE_CHECKING:\n    from aws_lambda_powertools.utilities.parser import BaseModel\n",
        "# from aws_lambda_powertools import Tracer\n",
        "from .aws_lambda_powertools import Tracer\n",
        "from aws_lambda_powertools import (\n",
        "R(enable_validation=False)  # aws_lambda_powertools\n",
    ],
)
def test_no_need(source):
    """A guarded import, one for type checkers, a comment, or what is no Python: nothing is needed."""
    assert parts_used(source.encode()) == []


TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties: {{Handler: app.handler, Runtime: python3.13, CodeUri: code, Layers: [{layers}], {more}}}
  L: {{Type: AWS::Serverless::LayerVersion, Properties: {{ContentUri: layer}}}}
"""
PINNED = "'arn:aws:lambda:eu-central-1:123456789012:layer:x:1'"


def _check(tmp_path, *, source="from aws_lambda_powertools import Tracer\n", layer=(), layers="!Ref L", more=""):
    (tmp_path / "code").mkdir()
    (tmp_path / "code/app.py").write_text(source)
    for name in ("python/aws_lambda_powertools/__init__.py", *layer):
        (tmp_path / "layer" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "layer" / name).write_text("")
    (tmp_path / "template.yaml").write_text(TEMPLATE.format(layers=layers, more=more))
    findings = check_templates(find_templates([tmp_path / "template.yaml"])).findings
    return [one for one in findings if one.rule == "powertools-part-missing"]


def test_what_to_add(tmp_path):
    """The finding names the line, the module, and the extra."""
    (finding,) = _check(tmp_path)
    assert "app.py:1: the import of aws_lambda_powertools.Tracer needs aws_xray_sdk" in finding.message
    assert "aws-lambda-powertools[tracer]" in finding.hint
    assert finding.severity == "error"


@pytest.mark.parametrize(
    "case",
    [
        {"layer": ("python/aws_xray_sdk/__init__.py",)},
        {"layer": ("python/lib/python3.13/site-packages/aws_xray_sdk/__init__.py",)},
        {"more": "Environment: {Variables: {POWERTOOLS_TRACE_DISABLED: 'true'}}"},
        {"source": "from aws_lambda_powertools import Logger\n"},
        {"layers": PINNED},  # nobody knows what is in it, which is said by itself
    ],
    ids=["beside it", "site-packages", "switched off", "not used", "unknown"],
)
def test_nothing_to_add(tmp_path, case):
    """What is there, is switched off, is not used or is not known gives no finding."""
    assert _check(tmp_path, **case) == []


def test_not_sure(tmp_path):
    """Where another layer is not known, it is a note."""
    (finding,) = _check(tmp_path, layers=f"!Ref L, {PINNED}")
    assert finding.severity == "note"
    assert "in nothing that could be looked at" in finding.message


HANDLERS = {
    "app.handler": ({"app.py": "import deep.part"}, True),
    "src/app.handler": ({"src/app.py": "from . import other", "src/other.py": "from deep import part"}, True),
    "pkg.app.handler": ({"pkg/__init__.py": "import deep.part", "pkg/app.py": ""}, True),
    "late.handler": ({"late.py": "def handler(*_):\n    from deep.part import x"}, True),
    "package.handler": ({"package.py": "import deep", "deep/__init__.py": "from .part import x"}, True),
    "alone.handler": ({"alone.py": "x = 1"}, False),
    "broken.handler": ({"broken.py": "import deep.part ("}, False),
    "nowhere.handler": ({"app.py": "x = 1"}, True),  # a wrapper loads it: nobody knows what
}


@pytest.mark.parametrize("handler", HANDLERS)
def test_only_what_is_loaded(tmp_path, handler):
    """A module to which no import leads from the handler, as a test in the folder, is no more than a note."""
    files, loaded = HANDLERS[handler]
    template = TEMPLATE.replace("app.handler", handler)
    for name, text in {**files, "deep/part.py": "from aws_lambda_powertools import Tracer\n"}.items():
        (tmp_path / "code" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "code" / name).write_text(f"{text}\n")
    (tmp_path / "layer/python").mkdir(parents=True)
    (tmp_path / "template.yaml").write_text(template.format(layers="!Ref L", more=""))
    (finding,) = check_templates(find_templates([tmp_path / "template.yaml"])).findings
    assert (finding.rule, finding.severity) == ("powertools-part-missing", "error" if loaded else "note")
    assert ("no import leads from the handler" in finding.message) != loaded
