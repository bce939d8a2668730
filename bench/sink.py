"""An SMTP sink in a process of its own: prints for each mail the moment, the envelope sender and the recipient, and keeps nothing."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiosmtpd.smtp import SMTP


class Taker:
    """Tells of each mail on standard output."""

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        """One mail."""
        content = bytes(envelope.content)
        head = content.partition(b"\r\n\r\n")[0].decode("ascii", "replace")
        about = next((line.partition(":")[2].strip() for line in head.split("\r\n") if line.lower().startswith("in-reply-to:")), "-")
        print(f"{time.time():.6f} {envelope.rcpt_tos[0]} {about}", flush=True)
        return "250 OK"


async def main() -> None:
    """Listen on a free port of loopback, say which, and take mail until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Taker(), data_size_limit=100_000_000), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
