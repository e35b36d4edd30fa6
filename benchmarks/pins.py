"""What `pins list` costs over many templates, beside an earlier commit: `make bench-pins BASE=main~5`.

5,000 generated SAM templates, 102 MB with 100,000 pins, as a large monorepo has them, and 500 programs that put an ARN
together. The same files are listed in turns by this checkout and by one of BASE: processor time, that of workers
included, and the largest process.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_FUNCTION = """\
  Function{number}:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src/function{number}
      Handler: app.handler
      Description: Reads the orders of a customer and writes what is still open to the queue of the next step
      Layers:
        - !Sub arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:123456789012:layer:shared-utils:{version}
        - arn:aws:lambda:eu-central-1:123456789012:layer:other:{number} # other 1.{number}.0
      Environment:
        Variables: {{TABLE_NAME: !Ref Table, QUEUE_URL: !Ref Queue, STAGE: !Ref Stage, NUMBER: '{number}'}}
      Policies:
        - DynamoDBCrudPolicy: {{TableName: !Ref Table}}
        - SQSSendMessagePolicy: {{QueueName: !GetAtt Queue.QueueName}}
      Events:
        Get:
          Type: HttpApi
          Properties: {{Path: /orders/{number}, Method: get}}
"""
_WATCHED = """\
  Errors{number}:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmDescription: The orders of a customer cannot be read; look at the logs of the function, then at the table
      Namespace: AWS/Lambda
      MetricName: Errors
      Dimensions: [{{Name: FunctionName, Value: 'function-{number}'}}]
      Statistic: Sum
      ComparisonOperator: GreaterThanThreshold
      Threshold: 0
      EvaluationPeriods: 5
      Period: 60
      TreatMissingData: notBreaching
  Log{number}:
    Type: AWS::Logs::LogGroup
    Properties:
      LogGroupName: /aws/lambda/function-{number}
      RetentionInDays: 30
      Tags: [{{Key: team, Value: orders}}, {{Key: stage, Value: !Ref Stage}}, {{Key: number, Value: '{number}'}}]
"""
_TEMPLATE = """\
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {Type: String, Default: dev}
Globals:
  Function: {Runtime: python3.13, Architectures: [arm64], Timeout: 10}
Resources:
  Table: {Type: AWS::Serverless::SimpleTable}
  Queue: {Type: AWS::SQS::Queue}
"""
_PROGRAM = 'VERSION = {}\nARN = f"arn:aws:lambda:eu-central-1:123456789012:layer:" + f"shared-utils:{{VERSION}}"\n'
_FUNCTIONS, _OTHERS = 10, 8


def main() -> None:
    """Generate, list, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", help="the commit to compare with")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made, base = Path(folder, "made"), Path(folder, "base")
        size = _generate(made)
        subprocess.run(["git", "-C", ROOT, "worktree", "add", "-q", "--detach", base, options.base], check=True)
        try:
            found: dict[str, list[tuple[float, int, int]]] = {options.base: [], "this checkout": []}
            for _ in range(options.rounds):
                for name, root in ((options.base, base), ("this checkout", ROOT)):
                    found[name].append(_list(made, root))
        finally:
            subprocess.run(["git", "-C", ROOT, "worktree", "remove", "--force", base], check=True)
    print(f"{size / 1e6:.0f} MB")
    for name, runs in found.items():
        seconds, megabytes = min(run[0] for run in runs), max(run[1] for run in runs) / 1024
        print(f"{name}: {seconds:.1f} s of processor time, {megabytes:.0f} MB at most, {runs[0][2]} lines")
    before, after = (min(run[0] for run in runs) for runs in found.values())
    print(f"ratio {after / before:.2f}")


def _generate(folder: Path) -> int:
    size = 0
    for number in range(5_000):
        service = folder / f"team{number % 50}" / f"service{number}"
        service.mkdir(parents=True)
        text = _TEMPLATE + "".join(_FUNCTION.format(number=n, version=number % 40 + 1) for n in range(_FUNCTIONS))
        text += "".join(_WATCHED.format(number=n) for n in range(_FUNCTIONS + _OTHERS))
        (service / "template.yaml").write_text(text)
        size += len(text)
        if number % 10 == 0:
            (service / "stack.py").write_text(_PROGRAM.format(number % 40 + 1))
    return size


def _list(folder: Path, checkout: Path) -> tuple[float, int, int]:
    """Processor seconds, the largest process in kB, and how many pins."""
    command = [sys.executable, "-m", "layerctl", "pins", "list", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(checkout / "layerctl" / "src")}
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, process.returncode
        out.seek(0)
        lines = sum(1 for line in out if b"/service" in line)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss, lines


if __name__ == "__main__":
    main()
