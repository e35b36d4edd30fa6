"""The entry point: errors become exit codes here and nowhere else."""

from __future__ import annotations

from layerctl.core.loading import Loading

with Loading():
    import contextlib
    import gc
    import os
    import sys
    from pathlib import Path
    from typing import TYPE_CHECKING

    import click

    from layerctl.cli.app import cli
    from layerctl.core.errors import LayerctlError, ReaderLeftError

if TYPE_CHECKING:
    from collections.abc import Sequence


_INTERRUPTED = 130  # 128 + SIGINT, as shells say it


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line in this process and return its exit code.

    Args:
        argv: the arguments without the program's name; default: `sys.argv[1:]`.
    """
    try:
        code = cli.main(args=None if argv is None else list(argv), prog_name="layerctl", standalone_mode=False)
        sys.stdout.flush()  # while a reader that went away can still be told from a failure
    except click.ClickException as error:
        error.show()
        return 2
    except LayerctlError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return _INTERRUPTED
    except (BrokenPipeError, ReaderLeftError):
        return _reader_left()
    return int(code or 0)


def _reader_left() -> int:
    """The reader went away (`| head`): nothing is wrong, and the interpreter's last flush must not complain either."""
    with contextlib.suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:  # a test's is no file
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    return 0


def entry_point() -> None:
    """The `layerctl` console script."""
    try:
        code = main()
    except KeyboardInterrupt:  # before it could be caught, or once more while it was told
        code = _INTERRUPTED
    if code == _INTERRUPTED:
        # What is left is the interpreter's own clean-up, a second and more with the SDK loaded on a busy machine.
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        gc.collect()  # what holds a semaphore gives it back
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    entry_point()
