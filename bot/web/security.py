"""What every response carries, and what no request may do: headers, cross-site posts, faults that tell nothing.

Sources: OWASP *HTTP Security Response Headers* and *Content Security Policy* cheat sheets; Fetch standard § 3.2 (Origin).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.config import Settings
from bot.journal import Journal

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors {ancestors}"
)
FRAMED = ("/", "/chat", "/handover", "/privacy", "/accessibility")  # what the widget shows inside foreign pages
CHAT_BODY = 128 * 1024  # bytes of a request: eight earlier turns and a message, percent-encoded
CONSOLE_BODY = 4 * 1024 * 1024
FOREVER = "public, max-age=31536000, immutable"
BRIEFLY = "public, max-age=3600"


def origins(settings: Settings) -> tuple[str, ...]:
    """The origins that may embed and call the chat; the settings have let nothing else into the list."""
    return settings.web.cors if settings.web else ()


class Shield:
    """ASGI middleware, outermost: so that errors carry the headers too."""

    def __init__(self, app: ASGIApp, settings: Settings, journal: Journal) -> None:
        """``journal`` hears of faults by type and place alone."""
        assert settings.web is not None
        self._app, self._journal = app, journal
        self._foreign = origins(settings)
        self._own = _origin(settings.web.public_url)
        self._transport = "max-age=31536000; includeSubDomains" if settings.web.public_url.startswith("https://") else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started = False

        async def dressed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._dress(scope, MutableHeaders(scope=message))
            await send(message)

        if self._is_foreign_post(scope):
            return await _told(scope, 403, "forbidden")(scope, receive, dressed)
        most = CONSOLE_BODY if scope["path"].startswith("/console") else CHAT_BODY
        if _declared(scope) > most:
            return await _told(scope, 413, "too-large")(scope, receive, dressed)
        try:
            await self._app(scope, _bounded(receive, most), dressed)
        except Exception as error:
            self._journal.trouble("web", "fault", error)
            if started:
                raise
            await _told(scope, 500, "fault")(scope, receive, dressed)

    def _is_foreign_post(self, scope: Scope) -> bool:
        """A form or call that another site's page sends in a visitor's name. The console guards itself, with tokens."""
        path: str = scope["path"]
        if scope["method"] in ("GET", "HEAD", "OPTIONS") or path.startswith("/console"):
            return False
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site") == "cross-site"
        if origin == self._own or (path.startswith("/api/") and origin in self._foreign):
            return False
        return urlsplit(origin).netloc != headers.get("host")

    def _dress(self, scope: Scope, headers: MutableHeaders) -> None:
        path: str = scope["path"]
        ancestors = " ".join(("'self'", *self._foreign)) if path in FRAMED and self._foreign else "'none'"
        headers.setdefault("Content-Security-Policy", POLICY.format(ancestors=ancestors))
        if ancestors == "'none'":
            headers.setdefault("X-Frame-Options", "DENY")
        headers.setdefault("X-Content-Type-Options", "nosniff")
        # not no-referrer: with it browsers send "Origin: null" on our own forms, and they could not be told from foreign ones
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin" if path == "/widget.js" else "same-origin")
        headers.setdefault("Cache-Control", _kept(path, scope["query_string"]))
        if self._transport:
            headers.setdefault("Strict-Transport-Security", self._transport)


def _declared(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length[:18]) if length.isascii() and length.isdecimal() else 0


def _bounded(receive: Receive, most: int) -> Receive:
    """``receive`` for a body that did not say how long it is. Errors: ``HTTPException`` 413, answered like any other refusal."""
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise HTTPException(413)
        return message

    return bounded


def _kept(path: str, query: bytes) -> str:
    if path.startswith("/static/"):
        return FOREVER if query.startswith(b"v=") else BRIEFLY
    return BRIEFLY if path == "/widget.js" else "no-store"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _told(scope: Scope, status: int, code: str) -> Response:
    path: str = scope["path"]
    return JSONResponse({"error": code}, status) if path.startswith("/api/") else PlainTextResponse(f"{status} {code}\n", status)
