"""What reading a mail costs: mails a second over the golden set, against the standard library's bare parser in the same run.

``python -m bench.reading`` prints the table and, last, one line of JSON. Each mail is timed by itself as the best of ``--rounds``, in
process time, so that other work on the machine changes little; the two are timed in turns.
"""

from __future__ import annotations

import argparse
import email
import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.mail import parse
from bot.model import Raw

GOLDEN = Path(__file__).parent.parent / "tests" / "golden"
LIMIT = 3.0  # ms of the median mail without attachments


def main() -> None:
    """Print the figures; the exit code says whether the median is within its limit."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("folder", nargs="?", type=Path, default=GOLDEN, help="folder of .eml files")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    mails = [path.read_bytes() for path in sorted(options.folder.glob("*.eml"))]
    figures = measured(mails, options.rounds)
    print(f"{figures['mails']} mails, {figures['without_attachments']} of them without attachments\n")
    print(" | reader | bare parser | ratio\n--- | --- | --- | ---")
    for name in ("median_ms", "median_ms_without_attachments", "p95_ms", "mails_a_second"):
        ours, bare = figures["reader"][name], figures["bare_parser"][name]
        ratio = bare / ours if name == "mails_a_second" else ours / bare
        print(f"{name.replace('_', ' ')} | {ours:.2f} | {bare:.2f} | {ratio:.1f}")
    print(f"\n{json.dumps(figures)}")
    raise SystemExit(figures["reader"]["median_ms_without_attachments"] > LIMIT)


def measured(mails: list[bytes], rounds: int) -> dict[str, Any]:
    """Figures of both readers; times in milliseconds of this process."""
    raws = [Raw(f"bench:{number}", content, datetime.now(UTC), "folder") for number, content in enumerate(mails)]
    bare_of = [not parse(raw).attachments for raw in raws]  # reads them once, so that nothing is imported while the clock runs
    ours: list[list[float]] = [[] for _ in mails]
    theirs: list[list[float]] = [[] for _ in mails]
    for _ in range(rounds):
        for number, raw in enumerate(raws):
            theirs[number].append(_timed(lambda raw=raw: email.message_from_bytes(raw.content)))  # type: ignore[misc]
            ours[number].append(_timed(lambda raw=raw: parse(raw)))  # type: ignore[misc]
    return {
        "mails": len(mails),
        "without_attachments": sum(bare_of),
        "reader": _figures([min(times) for times in ours], bare_of),
        "bare_parser": _figures([min(times) for times in theirs], bare_of),
    }


def _timed(work: Callable[[], object]) -> float:
    begun = time.process_time_ns()
    work()
    return (time.process_time_ns() - begun) / 1e6


def _figures(times: list[float], bare: list[bool]) -> dict[str, float]:
    return {
        "median_ms": round(statistics.median(times), 3),
        "median_ms_without_attachments": round(statistics.median(each for each, is_bare in zip(times, bare, strict=True) if is_bare), 3),
        "p95_ms": round(sorted(times)[int(len(times) * 0.95)], 3),
        "mails_a_second": round(len(times) / (sum(times) / 1000), 1),
    }


if __name__ == "__main__":
    main()
