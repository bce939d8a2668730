"""``make bench``: every figure of docs/benchmarks.md, one part after the other; ``python -m bench.NAME --help`` runs one alone."""

from __future__ import annotations

import subprocess
import sys

PARTS = ("methods", "reading", "mail", "chat")


def main() -> int:
    """Run the parts, each in a process of its own so that none disturbs the next; returns how many failed."""
    failed = 0
    for part in PARTS:
        print(f"── bench.{part} ──", flush=True)
        failed += subprocess.run([sys.executable, "-m", f"bench.{part}"], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
