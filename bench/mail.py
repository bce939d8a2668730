"""Speed of the mail's way, each figure beside a floor measured in the same run on the same servers: ``python -m bench.mail``.

Backlog: mails wait in Dovecot; the time until each is decided and all outgoing mail has reached the sink, and the processor
seconds of all processes of the service, against ``bench.floor`` (a mail a FETCH, and beside it tuned). Latency: mails are delivered one
by one to a mailbox that the service and a bare watcher look at together, so that the server wakes both at once; how much later the
service's answer reaches the sink is what reading, deciding and recording cost. Memory: of all processes of the service (PSS) over a long
backlog. Noisy machine: read the ratios, not the seconds.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import smtplib
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from bench.floor import FLOOR_USER
from bot.knowledge import load
from tests.servers import USER, Dovecot, mail

SETTLED = 1.5  # seconds between mails: else the notice of our own keyword would wake the service for the next one early
PATIENCE = 900.0  # seconds before a run counts as stuck
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Sink:
    """``bench.sink`` and what it has told."""

    process: subprocess.Popen[str]
    port: int
    arrived: list[tuple[float, str, str]] = field(default_factory=list)

    def answers(self, message_id: str) -> float | None:
        """When the first mail in reply to a Message-ID came."""
        return next((moment for moment, _, about in list(self.arrived) if about == message_id), None)


@contextlib.contextmanager
def sink() -> Iterator[Sink]:
    """A running sink."""
    process = subprocess.Popen([sys.executable, "-m", "bench.sink"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    taken = Sink(process, int(process.stdout.readline()))

    def listen(lines: IO[str]) -> None:
        for line in lines:
            moment, recipient, about = line.split(" ", 2)
            taken.arrived.append((float(moment), recipient, about.strip()))

    threading.Thread(target=listen, args=(process.stdout,), daemon=True).start()
    try:
        yield taken
    finally:
        process.kill()
        process.wait()


def mails(count: int, seed: int = 1) -> list[bytes]:
    """Mails of our own evaluation set (those without attachments), each from a sender of its own, in an order of chance."""
    chosen = [one.source for one in load().mails if not one.source.get("attachments")]
    chance = random.Random(seed)
    made = []
    for number in range(count):
        source = chance.choice(chosen)
        name, address = source["from"]
        sender = f'"{name}" <n{number}.{address}>' if name else f"n{number}.{address}"
        headers = {key: value for key, value in (source.get("headers") or {}).items() if key != "Message-ID"}
        subject = source["subject"].replace("\n", " ")
        made.append(mail(subject, source["body"], sender=sender, message_id=f"<{number}@bench.example>", headers=headers))
    return made


@dataclass
class Service:
    """``bot run`` as a process."""

    process: subprocess.Popen[str]
    database: Path
    started: float = 0.0

    def processes(self) -> list[int]:
        """The service and the processes that it has started."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()  # a child is listed under the thread that started it
        return [self.process.pid, *(int(child) for task in tasks for child in (task / "children").read_text().split())]

    def processor_seconds(self) -> float:
        """Of all its processes so far."""
        total = 0
        for pid in self.processes():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICK

    def megabytes(self) -> float:
        """Of all its processes: what each has alone, and its share of what several have (PSS)."""
        return self._megabytes("Pss:")

    def resident(self) -> float:
        """Megabytes of all its processes, what several have counted for each of them (RSS)."""
        return self._megabytes("Rss:")

    def _megabytes(self, row: str) -> float:
        lines = [line for pid in self.processes() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()]
        return sum(int(line.split()[1]) for line in lines if line.startswith(row)) / 1024

    def counts(self) -> tuple[int, int]:
        """(mails decided, outgoing mails still waiting)."""
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            decided = connection.execute("SELECT count(*) FROM mail WHERE state NOT IN ('waiting', 'started')").fetchone()[0]
            waiting = connection.execute("SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sending')").fetchone()[0]
        return int(decided), int(waiting)


@contextlib.contextmanager
def service(folder: Path, imap_port: int, smtp_port: int, *, move: bool = True) -> Iterator[Service]:
    """A service on the mailbox, running until the block ends; ``move`` as in its configuration."""
    folder.mkdir(parents=True)
    config = folder / "bot.toml"
    config.write_text(
        f"""
[service]
address = "{USER}"
colleagues = ["ssb.example"]
mode = "auto"
data = "{folder / "data"}"
[imap]
host = "127.0.0.1"
port = {imap_port}
security = "none"
username = "{USER}"
move = {"true" if move else "false"}
[smtp_out]
host = "127.0.0.1"
port = {smtp_port}
security = "none"
per_minute = 1000000
[routing]
intake = "soknad@ssb.example"
fallback = "postmottak@ssb.example"
[alarms]
automatic_per_hour = 1000000
""",
        encoding="utf-8",
    )
    environment = {**os.environ, "BOT_IMAP__PASSWORD": "correct-horse"}
    command = [sys.executable, "-m", "bot", "run", "--config", str(config)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    for line in process.stderr:
        if '"started"' in line:
            break
    else:
        raise RuntimeError("the service did not start")
    threading.Thread(target=lambda stream: [None for _ in stream], args=(process.stderr,), daemon=True).start()
    try:
        yield Service(process, folder / "data" / "bot.sqlite3", time.time())
    finally:
        process.terminate()
        process.wait(timeout=60)


# ── backlog ───────────────────────────────────────────────────────────────────────────────────────────────────


def backlog(count: int, folder: Path, dovecot: Dovecot, taken: Sink) -> dict[str, float]:
    """Figures of a backlog of ``count`` mails."""
    waiting = mails(count)
    for user in (USER, FLOOR_USER):
        fill(dovecot, user, waiting)
    floor_seconds, floor_processor = floor_backlog(count, folder, dovecot, taken, "backlog")
    tuned_seconds, tuned_processor = floor_backlog(count, folder, dovecot, taken, "tuned")
    before = len(taken.arrived)
    with service(folder / "service", dovecot.port, taken.port) as running:
        processor = running.processor_seconds()
        deadline = time.time() + PATIENCE
        while running.counts() < (count, 0) or running.counts()[1]:
            if time.time() > deadline:
                raise RuntimeError(f"stuck at {running.counts()}")
            time.sleep(0.1)
        seconds = time.time() - running.started
        processor = running.processor_seconds() - processor
        megabytes, resident = running.megabytes(), running.resident()
    return {
        "mails": count,
        "sent": len(taken.arrived) - before,
        "floor_mails_per_second": count / floor_seconds,
        "mails_per_second": count / seconds,
        "throughput_ratio": floor_seconds / seconds,
        "floor_processor_seconds_per_1000": 1000 * floor_processor / count,
        "processor_seconds_per_1000": 1000 * processor / count,
        "processor_ratio": processor / floor_processor,
        "tuned_floor_mails_per_second": count / tuned_seconds,
        "tuned_throughput_ratio": tuned_seconds / seconds,
        "tuned_processor_ratio": processor / tuned_processor,
        "megabytes": megabytes,
        "megabytes_resident": resident,
    }


def floor_backlog(count: int, folder: Path, dovecot: Dovecot, taken: Sink, what: str) -> tuple[float, float]:
    """Wall and processor seconds of a floor, start of the interpreter taken off."""
    arguments = [what, str(dovecot.port), str(taken.port), str(folder / f"{what}.sqlite3")]
    empty = timed([sys.executable, "-m", "bench.floor", *arguments, "0"])
    full = timed([sys.executable, "-m", "bench.floor", *arguments, str(count)])
    return full[0] - empty[0], full[1] - empty[1]


def timed(command: list[str]) -> tuple[float, float]:
    """(wall, processor) seconds of a command."""
    begun = time.time()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{command} failed")
    return time.time() - begun, usage.ru_utime + usage.ru_stime


def fill(dovecot: Dovecot, user: str, waiting: list[bytes]) -> None:
    """Put mails into a mailbox."""
    with dovecot.client(user) as client:
        client.select_folder("INBOX")
        for one in waiting:
            client.append("INBOX", one)


# ── latency ───────────────────────────────────────────────────────────────────────────────────────────────────


def latency(rounds: int, folder: Path, dovecot: Dovecot, taken: Sink) -> dict[str, float]:
    """Milliseconds from LMTP delivery to the answer at the sink, and how much later than the bare watcher's for the same mail."""
    question = "Hei!\n\nHvem har myndighet til å signere tilbudet fra dere?\n\nHilsen Kari"
    arguments = ["watch", str(dovecot.port), str(taken.port), str(folder / "watch.sqlite3")]
    floor = subprocess.Popen([sys.executable, "-m", "bench.floor", *arguments], stdout=subprocess.PIPE, text=True)
    assert floor.stdout is not None
    floor.stdout.readline()
    rows: list[tuple[float, float]] = []
    try:
        with service(folder / "live", dovecot.port, taken.port, move=False):  # else the mail could be gone before the watcher looks
            time.sleep(2)
            for number in range(rounds):
                before = len(taken.arrived)
                identifier = f"<live-{number}@bench.example>"
                content = mail("Signering", question, sender=f"Kari <kari{number}@uio.example>", message_id=identifier)
                begun = time.time()
                with smtplib.LMTP("127.0.0.1", dovecot.lmtp_port) as lmtp:
                    lmtp.sendmail("kari@uio.example", [USER], content)
                rows.append(both(taken, before, identifier, begun))
                time.sleep(SETTLED)
    finally:
        floor.kill()
        floor.wait()
    later = sorted(ours - bare for ours, bare in rows)
    return {
        "rounds": rounds,
        "total_ms_median": 1000 * statistics.median(ours for ours, _ in rows),
        "floor_total_ms_median": 1000 * statistics.median(bare for _, bare in rows),
        "later_ms_median": 1000 * statistics.median(later),
        "later_ms_p95": 1000 * later[int(0.95 * (len(later) - 1))],
    }


def both(taken: Sink, before: int, identifier: str, begun: float) -> tuple[float, float]:
    """Seconds until the service's answer and the floor's were there."""
    deadline = time.time() + 30
    while time.time() < deadline:
        bare = next((moment for moment, _, about in taken.arrived[before:] if about == "-"), None)
        ours = taken.answers(identifier)
        if ours is not None and bare is not None:
            return ours - begun, bare - begun
        time.sleep(0.002)
    raise RuntimeError(f"no answer to {identifier} within 30 seconds: {taken.arrived[before:]}")


# ── memory ────────────────────────────────────────────────────────────────────────────────────────────────────


def memory(count: int, folder: Path, dovecot: Dovecot, taken: Sink) -> dict[str, float]:
    """Megabytes of the service (PSS) along a backlog of ``count`` mails."""
    fill(dovecot, USER, mails(count, seed=2))
    sizes: list[tuple[int, float]] = []
    resident = 0.0
    with service(folder / "memory", dovecot.port, taken.port) as running:
        deadline = time.time() + 2 * PATIENCE
        while (done := running.counts()) < (count, 0) or done[1]:
            sizes.append((done[0], running.megabytes()))
            resident = max(resident, running.resident())
            if time.time() > deadline:
                raise RuntimeError(f"stuck at {done}")
            time.sleep(1)
        sizes.append((count, running.megabytes()))
    tenth = next(size for done, size in sizes if done >= count / 10)
    return {
        "mails": count,
        "megabytes_after_a_tenth": tenth,
        "megabytes_at_the_end": sizes[-1][1],
        "megabytes_peak": max(s for _, s in sizes),
        "megabytes_resident_peak": resident,
    }


def main() -> None:
    """The figures as one JSON object for each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=2000, help="mails of the backlog; 0 leaves it out")
    parser.add_argument("--rounds", type=int, default=100, help="mails delivered one by one; 0 leaves them out")
    parser.add_argument("--memory", type=int, default=0, help="mails of the long backlog, for example 10000")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch, sink() as taken:
        folder = Path(scratch)
        for name, work, count in (
            ("backlog", backlog, chosen.mails),
            ("latency", latency, chosen.rounds),
            ("memory", memory, chosen.memory),
        ):
            if count:
                dovecot = Dovecot(folder / f"dovecot-{name}").start()
                try:
                    (folder / name).mkdir()
                    figures = work(count, folder / name, dovecot, taken)
                finally:
                    dovecot.stop()
                print(json.dumps({"what": name, **{key: round(value, 3) for key, value in figures.items()}}), flush=True)


if __name__ == "__main__":
    main()
