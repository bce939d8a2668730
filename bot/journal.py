"""One function per event worth telling: a log line and a metric. Identifiers and reasons, never content.

Log lines are JSON objects on standard error, one a line. A mail is named by the hash of its key, an address by the hash of
the address: enough to follow one mail through the log, nothing that tells who wrote what.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600, 3600)


class JsonFormatter(logging.Formatter):
    """Log records as JSON lines; an exception is named by its type and place, its text is left out (it may quote a mail)."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage() if record.name.startswith("bot") else f"{record.name}: {record.levelname.lower()}",
        }
        entry.update(getattr(record, "facts", {}))
        if record.exc_info and record.exc_info[1] is not None:
            entry["error"] = where(record.exc_info[1])
        return _JSON.encode(entry)


_JSON = json.JSONEncoder(ensure_ascii=False, default=str)


def where(error: BaseException) -> str:
    """Type and place of an error without its text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace is not None else "?"
    return f"{type(error).__name__} at {place}"


def short(key: str) -> str:
    """A stable name for a mail or an address that tells nothing of it."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def to_stderr(level: int = logging.INFO) -> None:
    """Send the program's log lines to standard error as JSON. Libraries are heard from warnings up; aiosmtpd logs mail at
    debug on ``mail.log`` and is capped."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("bot").setLevel(level)
    logging.getLogger("mail.log").setLevel(logging.ERROR)


class Journal:
    """The events of one running service, and their metrics in a registry of their own."""

    def __init__(self) -> None:
        """A new registry: several services can live in one process (tests, demo)."""
        self._log = logging.getLogger("bot")
        self.registry = CollectorRegistry()
        self._arrived = Counter("bot_mails_arrived", "Mails taken in", ["source"], registry=self.registry)
        self._handled = Counter("bot_mails_handled", "Mails decided", ["category", "reply"], registry=self.registry)
        self._reasons = Counter("bot_reasons", "Reasons given by decisions", ["reason"], registry=self.registry)
        self._failed = Counter("bot_mails_not_understood", "Mails recorded for a person because reading failed", registry=self.registry)
        self._sent = Counter("bot_outgoing", "Attempts to send, by result", ["kind", "result"], registry=self.registry)
        self._alarms = Counter("bot_alarms", "Alarms raised", ["alarm"], registry=self.registry)
        self._trouble = Counter("bot_trouble", "Faults that the service works through", ["part", "what"], registry=self.registry)
        self._latency = Histogram("bot_handle_seconds", "From arrival to decision", buckets=SECONDS, registry=self.registry)
        self._chat = Counter("bot_chat_questions", "Questions in the chat", ["outcome"], registry=self.registry)
        self._standing = Gauge("bot_alarm_standing", "1 while there is a reason for the alarm", ["alarm"], registry=self.registry)
        self._stood: set[str] = set()
        self._gauges: dict[str, Gauge] = {}

    def arrived(self, key: str, source: str, size: int) -> None:
        """A mail is safe in the store."""
        self._arrived.labels(source).inc()
        self._tell("arrived", mail=short(key), source=source, bytes=size)

    def handled(self, key: str, category: str, reply: str, reasons: tuple[str, ...], seconds: float) -> None:
        """A mail is decided."""
        self._handled.labels(category, reply).inc()
        self._latency.observe(max(seconds, 0.0))
        for reason in reasons:
            self._reasons.labels(reason).inc()
        self._tell("handled", mail=short(key), category=category, reply=reply, reasons=list(reasons), seconds=round(seconds, 3))

    def not_understood(self, key: str, error: str) -> None:
        """A mail was recorded for a person because reading or deciding it failed."""
        self._failed.inc()
        self._log.error("not-understood", extra={"facts": {"mail": short(key), "error": error}})

    def delivered(self, message_id: str, kind: str, result: str, detail: str) -> None:
        """One attempt to send, with the server's code."""
        self._sent.labels(kind, result).inc()
        self._tell("delivered", message=short(message_id), kind=kind, result=result, detail=detail)

    def mirrored(self, key: str, outcome: str) -> None:
        """The decision is shown on the server, or could not be."""
        self._tell("mirrored", mail=short(key), outcome=outcome)

    def trouble(self, part: str, what: str, error: BaseException | None = None) -> None:
        """Something failed and will be tried again: a connection, a full disk."""
        self._trouble.labels(part, what).inc()
        self._log.warning("trouble", extra={"facts": {"part": part, "what": what, **({"error": where(error)} if error else {})}})

    def connected(self, part: str) -> None:
        """A connection stands."""
        self._tell("connected", part=part)

    def alarm(self, alarm: str, facts: Mapping[str, Any]) -> None:
        """Somebody must look."""
        self._alarms.labels(alarm).inc()
        self._log.error("alarm", extra={"facts": {**facts, "alarm": alarm}})

    def standing(self, names: Iterable[str]) -> None:
        """The alarms for which there is a reason now; all others are over."""
        found = set(names)
        self._stood |= found
        for name in self._stood:
            self._standing.labels(name).set(float(name in found))

    def asked(self, outcome: str) -> None:
        """A question in the chat: answered, unsure, out-of-scope, handed-over."""
        self._chat.labels(outcome).inc()

    def note(self, event: str, **facts: Any) -> None:
        """Start, stop, reload: events of the program itself."""
        self._tell(event, **facts)

    def gauge(self, name: str, value: float) -> None:
        """A figure of the moment, such as the age of the oldest unhandled mail."""
        if name not in self._gauges:
            self._gauges[name] = Gauge(f"bot_{name}", name.replace("_", " "), registry=self.registry)
        self._gauges[name].set(value)

    def metrics(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _tell(self, event: str, **facts: Any) -> None:
        self._log.info(event, extra={"facts": facts})
