"""``python -m bot``: the same as the command ``mikrodata-bot``."""

from __future__ import annotations

import sys


def main() -> None:
    """The command line; who gives up while it still loads gets no traceback either."""
    try:
        from bot.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
