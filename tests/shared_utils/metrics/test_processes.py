"""A process's metrics are written at its end, once, whatever becomes of it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.support import emf
from tests.support.emf import values


def run(program: str, **environment: str) -> list[dict[str, Any]]:
    """Run a program as a script and return the documents it wrote; every line must be one."""
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "POWERTOOLS_METRICS_NAMESPACE": "Tests", **environment},
    )
    assert (result.returncode, result.stderr) == (0, "")
    return emf.parse_all(result.stdout)


def test_a_script_writes_at_its_exit() -> None:
    """Without a handler and without flush, everything is written when the script ends, scopes that are open too."""
    (main, scope) = run(
        """
        from shared_utils import metrics
        metrics.count("A")
        scope = metrics.scope(kind="x")
        scope.__enter__()
        metrics.count("B")
        """
    )
    assert (main["A"], scope["B"], scope["kind"]) == ([1], [1], "x")


def test_a_script_that_raises_or_exits_writes_too() -> None:
    """sys.exit and an uncaught exception do not lose metrics."""
    (document,) = run("from shared_utils import metrics\nmetrics.count('A')\nraise SystemExit(0)")
    assert document["A"] == [1]


def test_a_forked_child_writes_its_own_metrics_and_not_its_parents() -> None:
    """After fork, parent and child write what each recorded, once."""
    found = run(
        """
        import os, sys
        from shared_utils import metrics
        metrics.dimensions(kind="x")
        metrics.count("Parent")
        child = os.fork()
        metrics.count("Child" if child == 0 else "Parent")
        if child:
            os.waitpid(child, 0)
        """
    )
    assert sorted((document.get("Parent", []), document.get("Child", [])) for document in found) == [
        ([], [1]),
        ([1, 1], []),
    ]
    assert {document["kind"] for document in found} == {"x"}


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_of_multiprocessing_writes_at_its_exit(method: str, tmp_path: Path) -> None:
    """Such a child ends without atexit when it was forked; its metrics are written all the same."""
    (tmp_path / "job.py").write_text(
        textwrap.dedent(
            f"""
            import multiprocessing
            from shared_utils import metrics

            def work():
                metrics.count("Child")

            if __name__ == "__main__":
                metrics.count("Parent")
                child = multiprocessing.get_context({method!r}).Process(target=work)
                child.start()
                child.join()
                assert child.exitcode == 0
            """
        )
    )
    result = subprocess.run(
        [sys.executable, str(tmp_path / "job.py")],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "POWERTOOLS_METRICS_NAMESPACE": "Tests"},
    )
    found = emf.parse_all(result.stdout)
    assert (values(found, "Child"), values(found, "Parent")) == ([1], [1])


def test_before_a_snapshot_init_metrics_are_written_once_and_not_by_each_copy() -> None:
    """Under SnapStart what init recorded is written before the snapshot; after a restore nothing of it is left."""
    found = run(
        """
        import sys, types
        hooks = []
        module = types.ModuleType("snapshot_restore_py")  # Lambda's runtime has it; it is on no package index
        module.register_before_snapshot = lambda function, *args, **kwargs: hooks.append((function, args, kwargs))
        module.register_after_restore = lambda function, *args, **kwargs: None
        sys.modules["snapshot_restore_py"] = module
        from shared_utils import metrics
        metrics.count("Init")
        for function, args, kwargs in hooks:
            function(*args, **kwargs)
        print(end="", flush=True)
        metrics.count("Restored")
        """,
        AWS_LAMBDA_INITIALIZATION_TYPE="snap-start",
    )
    assert [sorted(document.keys() - {"_aws"}) for document in found] == [["Init"], ["Restored"]]


def test_nothing_happens_at_import() -> None:
    """Importing metrics reads no variable, registers nothing at exit, and loads nothing that logging has not."""
    program = """
    import atexit, os, sys
    from shared_utils import get_logger
    get_logger()
    before, hooks = set(sys.modules), atexit._ncallbacks()
    reads = []
    class Watched(type(os.environ)):
        def __getitem__(self, key):
            reads.append(key)
            return super().__getitem__(key)
    os.environ.__class__ = Watched
    from shared_utils import metrics
    assert reads == [], reads
    assert atexit._ncallbacks() == hooks
    loaded = {name for name in set(sys.modules) - before if not name.startswith("shared_utils")}
    assert loaded <= set(), loaded
    """
    assert run(program) == []


@pytest.mark.parametrize(
    "writing",
    [
        "metrics.flush()",
        "with metrics.scope(): metrics.count('B')",
        "instrument(lambda event, context: None)({}, None)",
    ],
    ids=["flush", "scope", "invocation"],
)
def test_what_is_written_has_left_the_process(writing: str) -> None:
    """A document is there after `os._exit`, and there once after a fork: no stream holds it back."""
    program = """
import os
from shared_utils import instrument, metrics
metrics.configure(cold_start=False)
metrics.count("A")
{writing}
child = os.fork()
if child:
    os.waitpid(child, 0)
    os._exit(0)
"""
    found = run(program.format(writing=writing))
    assert sum(document.get("A", []) == [1] for document in found) == (0 if "scope" in writing else 1)
    assert sum(document.get("B", []) == [1] for document in found) == (1 if "scope" in writing else 0)


def test_a_child_that_is_forked_while_a_lock_is_held_can_record() -> None:
    """A thread of the parent holds the locks of its sets when it forks; the child does not wait for it."""
    (parent, child) = run(
        """
        import os, signal, threading, time, warnings
        from shared_utils import metrics
        warnings.simplefilter("ignore")  # from Python 3.12 on a fork beside threads is warned of, with good reason
        metrics.count("Parent")
        with metrics.scope(kind="x") as scope:
            scope.count("Parent")
            held, free = threading.Event(), threading.Event()
            def hold():
                with metrics._registry.main._lock, scope._lock:
                    held.set()
                    free.wait()
            thread = threading.Thread(target=hold, daemon=True)
            thread.start()
            held.wait()
            child = os.fork()
            if child == 0:
                metrics.count("Child")
                metrics.configure(namespace="Child")
                scope.count("Child")
                metrics.flush()
                os._exit(0)
            deadline = time.monotonic() + 10
            while os.waitpid(child, os.WNOHANG) == (0, 0):
                assert time.monotonic() < deadline or os.kill(child, signal.SIGKILL), "the child waits"
                time.sleep(0.01)
            free.set()
            thread.join()
        """
    )[-2:]
    assert "Parent" in parent
    assert "Parent" in child
