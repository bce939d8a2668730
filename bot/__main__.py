"""``python -m bot``: the same as the command ``mikrodata-bot``."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """The command line; who gives up while it still loads gets no traceback either."""
    # vectors of a mail are too short to share out: the library's threads would spin longer than they work (read when numpy loads)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from bot.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
