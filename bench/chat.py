"""The chat under load: 100 requests a second against the running service, from a process of its own, on loopback.

``python -m bench.chat [--rate 100] [--seconds 30] [--rounds 2] [--json]`` starts ``bot run`` with its store in a temporary folder and
sends, in turns, rounds of ``GET /health`` (the floor: what the server and the machine cost without any thought) and rounds of chat: the
API and the page's own form, with the questions of the evaluation set, each followed up once in three.

Open loop: a request is due at its time whether or not those before it have come back, and its latency counts from when it was due; so a
server that stands still shows (the fault of closed loops that Gil Tene calls coordinated omission). The processor time of the server for
each request does not depend on what else the machine does. Nothing here passes or fails: it measures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from bot.knowledge import load

STARTED_SECONDS = 600  # the first start may have to learn its model
DEADLINE = 10.0  # seconds after which a request has failed
FOLLOW_UP = 3  # every so many questions is a follow-up of the one before
TICKS = os.sysconf("SC_CLK_TCK")

Request = Callable[[], bytes]


@dataclass
class Round:
    """What became of the requests of one round; latencies in milliseconds."""

    name: str
    latencies: list[float] = field(default_factory=list)
    failed: int = 0
    processor: float = 0.0  # milliseconds of the server for each request
    resident: float = 0.0  # MiB of the server afterwards

    def at(self, share: float) -> float:
        """The latency below which this share of the requests came back."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description="The chat under load.")
    options.add_argument("--rate", type=float, default=100, help="requests a second")
    options.add_argument("--seconds", type=float, default=30, help="length of a round")
    options.add_argument("--rounds", type=int, default=2, help="rounds of each kind, in turns")
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-chat-") as folder:
        port = free_port()
        with service(Path(folder), port) as process:
            rounds = asyncio.run(measure(process.pid, port, given.rate, given.seconds, given.rounds))
    print(json.dumps(summary(rounds), indent=2) if given.json else table(rounds))


# ── the service ───────────────────────────────────────────────────────────────────────────────────────────────


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class service:
    """``bot run`` with nothing but the web; ended at the end of the block."""

    def __init__(self, folder: Path, port: int) -> None:
        """``folder`` holds its configuration and data."""
        self._folder, self._port = folder, port

    def __enter__(self) -> subprocess.Popen[bytes]:
        """Errors: ``SystemExit`` where it does not start."""
        config = self._folder / "bot.toml"
        config.write_text(
            f'[service]\naddress = "mikrodata@ssb.example"\ndata = "{self._folder}/data"\n'
            f'[web]\nlisten = "127.0.0.1:{self._port}"\nchat_per_minute = 1000000\n',
            encoding="utf-8",
        )
        self._process = subprocess.Popen([sys.executable, "-m", "bot", "run", "--config", str(config)], stderr=subprocess.DEVNULL)
        until = time.monotonic() + STARTED_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
                return self._process
            except OSError:
                time.sleep(0.1)
        self._process.kill()
        sys.exit("the service did not start")

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait(30)


def processor(pid: int) -> float:
    """Milliseconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / TICKS


def resident(pid: int) -> float:
    """Resident memory of a process in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


# ── the load ──────────────────────────────────────────────────────────────────────────────────────────────────


async def measure(pid: int, port: int, rate: float, seconds: float, rounds: int) -> list[Round]:
    """A warm-up that does not count, then floor and chat in turns."""
    client, chat = Client(port), questions(port)
    health = f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    await run(Round("warm-up"), pid, client, lambda: next(chat), rate, min(seconds, 5))
    done = []
    for _ in range(rounds):
        done.append(await run(Round("floor"), pid, client, lambda: health, rate, seconds))
        done.append(await run(Round("chat"), pid, client, lambda: next(chat), rate, seconds))
    client.close()
    return done


async def run(kept: Round, pid: int, client: Client, request: Request, rate: float, seconds: float) -> Round:
    """One round: each request at its time."""
    loop = asyncio.get_running_loop()
    before, begun, total = processor(pid), loop.time() + 0.05, int(rate * seconds)

    async def one(due: float) -> None:
        content = request()
        try:
            async with asyncio.timeout(DEADLINE):
                status = await client.send(content)
        except (OSError, TimeoutError, EOFError):
            status = 0
        kept.latencies.append((loop.time() - due) * 1000)
        kept.failed += status != 200

    tasks = []
    for number in range(total):
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - loop.time()))
        tasks.append(asyncio.create_task(one(due)))
    await asyncio.gather(*tasks)
    kept.processor, kept.resident = (processor(pid) - before) / total, resident(pid)
    return kept


def questions(port: int) -> Iterator[bytes]:
    """Requests of the chat without end: the API and the page's form in turns."""
    asked = [question.question for question in load().questions]
    chance = random.Random(1)
    previous = ""
    while True:
        for number, text in enumerate(chance.sample(asked, len(asked))):
            earlier = previous if number % FOLLOW_UP == 0 else ""
            if number % 2:
                fields = {"question": text, **({"earlier": f":|{earlier}"} if earlier else {})}
                yield post(port, "/?lang=nb", urlencode(fields).encode(), "application/x-www-form-urlencoded", "X-Fragment: 1\r\n")
            else:
                body = {"question": text[:1000], **({"previous": earlier[:1000]} if earlier else {})}
                yield post(port, "/api/ask", json.dumps(body).encode(), "application/json")
            previous = text


def post(port: int, path: str, body: bytes, kind: str, more: str = "") -> bytes:
    """A POST as bytes."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


class Client:
    """Connections that are kept, as many as are needed at once."""

    def __init__(self, port: int) -> None:
        """Nothing is connected yet."""
        self._port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send(self, request: bytes) -> int:
        """Send a request, read the whole response; its status. Errors: ``OSError``, ``EOFError``."""
        while self._idle:
            kept = self._idle.pop()
            if not kept[0].at_eof() and not kept[1].is_closing():  # the server closes what is idle for some seconds
                return await self._exchange(kept, request)
        return await self._exchange(await asyncio.open_connection("127.0.0.1", self._port), request)

    async def _exchange(self, connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes) -> int:
        reader, writer = connection
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(length)
        except BaseException:
            writer.close()
            raise
        self._idle.append(connection)
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        """Close what is idle."""
        for _, writer in self._idle:
            writer.close()


# ── what is told ──────────────────────────────────────────────────────────────────────────────────────────────


def summary(rounds: list[Round]) -> dict[str, object]:
    """The rounds, and each chat round's p99 as a ratio to the floor before it."""
    told = [
        {
            "round": each.name,
            "requests": len(each.latencies),
            "failed": each.failed,
            "p50_ms": round(each.at(0.5), 2),
            "p99_ms": round(each.at(0.99), 2),
            "max_ms": round(each.at(1.0), 2),
            "processor_ms": round(each.processor, 3),
            "resident_mib": round(each.resident, 1),
        }
        for each in rounds
    ]
    pairs = list(zip(rounds[::2], rounds[1::2], strict=True))
    return {"rounds": told, "p99_ratio": [round(chat.at(0.99) / floor.at(0.99), 2) for floor, chat in pairs]}


def table(rounds: list[Round]) -> str:
    """The same for people."""
    lines = [
        "round | requests | failed | p50 ms | p99 ms | max ms | server's processor ms a request | resident MiB",
        "--- |" + " ---: |" * 7,
    ]
    lines += [
        f"{each.name} | {len(each.latencies)} | {each.failed} | {each.at(0.5):.1f} | {each.at(0.99):.1f} | {each.at(1.0):.1f} | "
        f"{each.processor:.2f} | {each.resident:.1f}"
        for each in rounds
    ]
    return "\n".join([*lines, f"p99 as a ratio to the floor: {summary(rounds)['p99_ratio']}"])


if __name__ == "__main__":
    main()
