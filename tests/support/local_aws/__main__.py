"""Serve the local AWS until interrupted: ``python -m tests.support.local_aws --port 4566``."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import threading

from tests.support.local_aws.app import LocalApp
from tests.support.local_aws.server import DEFAULT_ADAPTERS, environment


def main() -> None:
    """Parse the options, install the adapters, serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.local_aws", description=__doc__)
    parser.add_argument("--port", type=int, default=4566, help="0 takes a free one (default: 4566)")
    parser.add_argument(
        "--adapter", action="append", default=[], metavar="MODULE", help="one more adapter; may be repeated"
    )
    parser.add_argument("--stop-at-eof", action="store_true", help="stop when standard input ends: with the parent")
    options = parser.parse_args()

    app = LocalApp([*DEFAULT_ADAPTERS, *options.adapter])
    try:
        server = app.server(options.port)
    except OSError as error:
        parser.exit(2, f"error: port {options.port} cannot be served: {error.strerror}; try another --port\n")
    endpoint = f"http://localhost:{server.port}"
    os.environ["MOTO_PORT"] = str(server.port)
    print(f"local AWS on {endpoint}", flush=True)
    if options.stop_at_eof:
        threading.Thread(target=_stop_at_eof, daemon=True).start()
    else:
        print("use it with:", *(f"export {key}={value}" for key, value in environment(endpoint).items()), sep="\n  ")
        print("stop it with Ctrl-C", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


def _stop_at_eof() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)  # not sys.exit: request threads may be busy, and there is nothing to keep


if __name__ == "__main__":
    main()
