"""`python -m kki`, and the door of `kki`: Ctrl-C while all is still being loaded is no traceback."""

from __future__ import annotations

import sys

INTERRUPTED = 130


def start() -> int:
    """The exit code. What takes its time to load is loaded within."""
    try:
        from kki.cli.main import main

        return main()
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(start())
