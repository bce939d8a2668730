"""An IMAP server of a few lines that misbehaves on command: what a real server does once a year and no test can wait for."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import ssl
import threading
from dataclasses import dataclass, field

from tests.contracts import plain


@dataclass
class Scripted:
    """One folder with ``mails``. ``at_idle`` says what IDLE meets: ``wait`` (nothing comes, DONE is answered), ``silent`` (nothing is
    ever said again), ``bye``, ``eof``, ``more`` (one more mail is told of in one segment with the welcome). ``seen`` holds every command."""

    at_idle: list[str] = field(default_factory=list)  # one per IDLE; when it is empty: wait
    mails: list[bytes] = field(default_factory=lambda: [plain(1)])
    capability: str = "IMAP4rev1 IDLE UIDPLUS MOVE"
    validities: list[str] = field(default_factory=list)  # one per SELECT, "" = not said; when it is empty: 7
    seen: list[str] = field(default_factory=list)
    connections: int = 0
    tls: ssl.SSLContext | None = None

    def __enter__(self) -> Scripted:
        script = self

        class Conversation(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                script.connections += 1
                with contextlib.suppress(OSError, ValueError):
                    script.talk(self)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

            def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
                connection, address = super().get_request()
                return (script.tls.wrap_socket(connection, server_side=True) if script.tls else connection), address

        self.server = Server(("127.0.0.1", 0), Conversation)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def count(self, command: str) -> int:
        """How many commands began so."""
        return sum(seen.upper().startswith(command) for seen in self.seen)

    def talk(self, stream: socketserver.StreamRequestHandler) -> None:
        """One connection."""

        def say(*lines: str) -> None:
            stream.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

        say(f"* OK [CAPABILITY {self.capability}] ready")
        while line := stream.rfile.readline().decode().rstrip("\r\n"):
            tag, _, command = line.partition(" ")
            self.seen.append(command)
            verb = command.upper()
            if verb == "CAPABILITY":
                say(f"* CAPABILITY {self.capability}")
            elif verb.startswith("SELECT"):
                validity = self.validities.pop(0) if self.validities else "7"
                say(f"* {len(self.mails)} EXISTS", *([f"* OK [UIDVALIDITY {validity}] so"] if validity else []))
            elif verb.startswith("UID SEARCH"):
                first = int(found[1]) if (found := re.search(r"UID (\d+):\*", verb)) else 1
                say("* SEARCH " + " ".join(str(uid) for uid in range(first, len(self.mails) + 1)))
            elif verb.startswith("UID FETCH"):
                self.fetch(stream, verb)
            elif verb == "IDLE":
                if not self.idle(stream):
                    return
            elif verb == "LOGOUT":
                say("* BYE so long", f"{tag} OK bye")
                return
            say(f"{tag} OK done")

    def fetch(self, stream: socketserver.StreamRequestHandler, verb: str) -> None:
        """Sizes, or bytes with INTERNALDATE."""
        wanted: set[int] = set()
        for part in verb.split()[2].split(","):
            first, _, last = part.partition(":")
            wanted |= set(range(int(first), int(last or first) + 1))
        for uid in sorted(wanted & set(range(1, len(self.mails) + 1))):
            content, head = self.mails[uid - 1], f"* {uid} FETCH (UID {uid} RFC822.SIZE {len(self.mails[uid - 1])}"
            if "BODY.PEEK[]" in verb:
                stream.wfile.write(f'{head} INTERNALDATE "02-Mar-2026 09:15:00 +0100" BODY[] {{{len(content)}}}\r\n'.encode() + content)
                stream.wfile.write(b")\r\n")
            else:
                stream.wfile.write(f"{head})\r\n".encode())

    def idle(self, stream: socketserver.StreamRequestHandler) -> bool:
        """What IDLE meets; False when the connection is over."""
        how = self.at_idle.pop(0) if self.at_idle else "wait"
        if how == "more":
            self.mails.append(plain(len(self.mails) + 1))
        notice = f"* {len(self.mails)} EXISTS\r\n" if how == "more" else ""
        stream.wfile.write(f"+ idling\r\n{notice}".encode())
        if how == "bye":
            stream.wfile.write(b"* BYE shutting down\r\n")
        if how in ("bye", "eof"):
            return False
        if how == "silent":
            while stream.rfile.readline():
                pass
            return False
        return bool(stream.rfile.readline())  # DONE
