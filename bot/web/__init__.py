"""The web: chat, console and what machines read, as one list of routes; served inside the service's own loop.

``/health`` says that the process answers, ``/ready`` that its store does, ``/metrics`` gives figures without content in
Prometheus' text format. Where the service stands on an open net, the proxy in front keeps ``/metrics`` to the inside.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from bot import __version__
from bot.config import Settings
from bot.pipeline import Parts
from bot.store import StoreUnavailable
from bot.web.api import Accepted, Answer, Api, Fault
from bot.web.chat import Chat
from bot.web.pages import STATIC, Pages, language_of
from bot.web.security import Shield, origins
from bot.web.talk import Talk

READY_SECONDS = 2.0
BACKLOG = 100
STOP_SECONDS = 5  # how long requests under way may take when the service stops

Endpoint = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Row:
    """One route: a page, or with ``options`` a part of the described API."""

    method: str
    path: str
    endpoint: Endpoint
    options: dict[str, Any] = field(default_factory=lambda: {"include_in_schema": False})


def routes(settings: Settings, parts: Parts, pages: Pages) -> list[Row]:
    """All routes of our own, in one list; those of the console come from ``bot.web.console``."""
    assert settings.web is not None
    talk, desk = Talk(settings, parts, pages), Figures(parts)
    chat, api = Chat(talk), Api(talk)
    rows = [
        Row("GET", "/health", desk.health),
        Row("GET", "/ready", desk.ready),
        Row("GET", "/metrics", desk.metrics),
        Row("GET", "/privacy", _prose("privacy", pages)),
        Row("GET", "/accessibility", _prose("accessibility", pages)),
    ]
    if not settings.web.chat:
        return [*rows, Row("GET", "/", _to_console)]
    return [
        *rows,
        Row("GET", "/", chat.page),
        Row("POST", "/", chat.turn),
        Row("GET", "/chat", chat.moved),
        Row("GET", "/handover", chat.hand_over_page),
        Row("POST", "/handover", chat.hand_over),
        Row("GET", "/handover/confirm", chat.confirm_page),
        Row("POST", "/handover/confirm", chat.confirm),
        Row("GET", "/widget.js", _widget),
        Row("POST", "/api/ask", api.ask, _described("Ask a question", response_model=Answer)),
        Row("POST", "/api/feedback", api.feedback, _described("Say whether an answer helped", 404, 503, status_code=204)),
        Row("POST", "/api/handover", api.hand_over, _described("Write to a person", 503, response_model=Accepted)),
    ]


REFUSALS = {
    400: "The body cannot be read.",
    403: "A page of another origin sent the request.",
    404: "There is no such topic.",
    413: "The body is larger than the service reads.",
    422: "A field is missing, too long or of the wrong kind; `fields` names it.",
    429: "Too many requests from this network; `Retry-After` says how many seconds to wait.",
    503: "The store cannot be used now; try again.",
}


def _described(summary: str, *more: int, **options: Any) -> dict[str, Any]:
    """What the API's description says of a route; ``more``: the refusals besides those that every route has."""
    statuses = sorted({400, 403, 413, 422, 429, *more})
    return {"summary": summary, "responses": {status: {"model": Fault, "description": REFUSALS[status]} for status in statuses}, **options}


def application(settings: Settings, parts: Parts) -> FastAPI:
    """The whole web as an ASGI application."""
    pages = Pages(settings)
    parts.rereads.append(pages.reread)
    app = FastAPI(
        title="mikrodata-bot",
        version=__version__,
        description="Answers questions about access to microdata. Automatic; nothing that is asked is stored.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        # its records would hold what people wrote: validation failures and the text of exceptions
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    for row in routes(settings, parts, pages):
        app.add_api_route(row.path, row.endpoint, methods=[row.method], **row.options)
    app.mount("/static", StaticFiles(directory=STATIC))
    _add_console(app, settings, parts)
    _add_faults(app, pages, parts)
    foreign = origins(settings)
    if foreign:
        app.add_middleware(ApiOnly, origins=foreign)
    app.add_middleware(Shield, settings=settings, journal=parts.journal)
    return app


def _add_console(app: FastAPI, settings: Settings, parts: Parts) -> None:
    assert settings.web is not None
    if not settings.web.console or importlib.util.find_spec("bot.web.console") is None:
        return
    router: APIRouter = importlib.import_module("bot.web.console").routes(settings, parts)
    below = all(str(getattr(route, "path", "/console")).startswith("/console") for route in router.routes)
    app.include_router(router, prefix="" if below else "/console", include_in_schema=False)


class ApiOnly:
    """CORS for the API alone: pages and console are nobody else's to read."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        """``origins``: those that may call."""
        self._app = app
        self._open = CORSMiddleware(app, allow_origins=origins, allow_methods=["GET", "POST"], allow_headers=["content-type"], max_age=600)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        app = self._open if scope["type"] == "http" and scope["path"].startswith("/api/") else self._app
        await app(scope, receive, send)


# ── faults ────────────────────────────────────────────────────────────────────────────────────────────────────


def _add_faults(app: FastAPI, pages: Pages, parts: Parts) -> None:
    """Faults as a page in the visitor's language, or as JSON; none repeats what was sent."""

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        fields = sorted({".".join(str(part) for part in fault["loc"][1:]) for fault in error.errors()})
        return JSONResponse({"error": "invalid", "fields": fields}, 422)

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _fault(request, pages, error.status_code, dict(error.headers or {}))

    async def store_gone(request: Request, error: Exception) -> Response:
        parts.journal.trouble("web", "store", error)
        return _fault(request, pages, 503, {"Retry-After": "10"})

    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(StoreUnavailable, store_gone)


CODES = {400: "unreadable", 404: "not-found", 405: "method-not-allowed", 413: "too-large", 503: "unavailable"}


def _fault(request: Request, pages: Pages, status: int, headers: dict[str, str]) -> Response:
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": CODES.get(status, "refused")}, status, headers)
    language = language_of(request)
    words = pages.words[language]
    heading, text = (
        ("missing_title", "missing") if status == 404 else ("fault_title", "fault") if status >= 500 else ("refused_title", "refused")
    )
    context = {"heading": words[heading], "text": words[text], "with_address": True}
    response = pages.page("told", request, language, status=status, **context)
    response.headers.update(headers)
    return response


# ── what machines read, and plain pages ───────────────────────────────────────────────────────────────────────


class Figures:
    """Health, readiness and metrics."""

    def __init__(self, parts: Parts) -> None:
        """On the parts of the running service."""
        self._parts = parts

    async def health(self) -> Response:
        """The process answers."""
        return JSONResponse({"status": "ok"})

    async def ready(self) -> Response:
        """The store can be read."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._parts.store.read(lambda tx: tx.get_flag("paused"))
        except (StoreUnavailable, TimeoutError) as error:
            self._parts.journal.trouble("web", "not-ready", error)
            return JSONResponse({"status": "store-unavailable"}, 503)
        return JSONResponse({"status": "ready"})

    async def metrics(self) -> Response:
        """Figures in Prometheus' text format, those of the store as they stand now."""
        with contextlib.suppress(StoreUnavailable):
            now = self._parts.clock()
            for name, value in (await self._parts.store.read(lambda tx: tx.counts(now))).items():
                self._parts.journal.gauge(name, value)
        return PlainTextResponse(self._parts.journal.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _prose(name: str, pages: Pages) -> Endpoint:
    async def page(request: Request) -> Response:
        return pages.page("prose", request, language_of(request), name=name)

    return page


async def _widget() -> Response:
    return FileResponse(STATIC / "widget.js", media_type="text/javascript; charset=utf-8")


async def _to_console() -> Response:
    return RedirectResponse("/console", 307)


# ── serving ───────────────────────────────────────────────────────────────────────────────────────────────────


class Server(uvicorn.Server):
    """uvicorn inside a loop that is not its own: signals belong to the service."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


async def serve_web(settings: Settings, parts: Parts, ready: asyncio.Event | None = None) -> None:
    """Serve until cancelled; requests under way are finished first. ``ready`` is set once connections are taken.

    Errors: ``OSError`` when the port cannot be had.
    """
    assert settings.web is not None
    web = settings.web
    listening = _bound(web.listen)
    if ready is not None:
        ready.set()
    config = uvicorn.Config(
        application(settings, parts),
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(web.trusted_proxies),
        forwarded_allow_ips=list(web.trusted_proxies),
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    server = Server(config)
    serving = asyncio.ensure_future(server.serve(sockets=[listening]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise
    finally:
        listening.close()


def _bound(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    family, kind, protocol, _, address = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
        0
    ]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)  # who connects before the first request can be served waits instead of being refused
    except OSError:
        listening.close()
        raise
    listening.setblocking(False)
    return listening


async def demo_user(parts: Parts) -> tuple[str, str]:
    """A name and a password for the console of ``bot demo``."""
    name, password = await importlib.import_module("bot.web.login").demo_user(parts)
    return str(name), str(password)


__all__ = ["application", "demo_user", "routes", "serve_web"]
