"""What all pages of the console share: who is asking and may they, the words, the frame, the form's token."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.routing import APIRoute

from bot.config import Settings
from bot.matters.deadlines import OSLO
from bot.model import Language
from bot.pipeline import Parts
from bot.store.accounts import Account, Session
from bot.store.codec import moment
from bot.web import login
from bot.web.pages import accepted, static
from bot.web.texts import environment, folders, tables

T = TypeVar("T")

LARGEST_FORM = 512 * 1024  # bytes: a long reply is a hundredth of it
MOST_FIELDS = 60
TOUCH = timedelta(seconds=60)  # how exactly idleness is kept: no write for every request
LANGUAGE_SECONDS = 365 * 24 * 3600
MONTHS = {
    "nb": ("jan.", "feb.", "mars", "april", "mai", "juni", "juli", "aug.", "sep.", "okt.", "nov.", "des."),
    "nn": ("jan.", "feb.", "mars", "april", "mai", "juni", "juli", "aug.", "sep.", "okt.", "nov.", "des."),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}


class Refused(Exception):
    """A request that gets a page saying why not: ``word`` is a key of the console's words."""

    def __init__(self, status: int, word: str) -> None:
        """``status`` is the HTTP status."""
        super().__init__(word)
        self.status, self.word = status, word


class Elsewhere(Exception):
    """A request that belongs somewhere else first: the log-in."""

    def __init__(self, response: Response) -> None:
        """``response`` leads there."""
        super().__init__("elsewhere")
        self.response = response


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is logged in; ``form`` holds the fields of a POST whose token was right."""

    request: Request
    session: Session
    language: Language
    form: Mapping[str, str] = field(default_factory=dict)
    waiting: int = 0  # mails that wait for a person
    paused: bool = False

    @property
    def account(self) -> Account:
        """Who it is."""
        return self.session.account

    @property
    def name(self) -> str:
        """Who it is, for the audit log."""
        return self.session.account.name


class Console:
    """The console of one running service: its parts, its words and its templates."""

    words: dict[str, dict[str, str]]

    def __init__(self, settings: Settings, parts: Parts) -> None:
        """Reads words and templates. Errors: ``ConfigError``."""
        self.settings, self.parts = settings, parts
        self.reread()()

    def reread(self) -> Callable[[], None]:
        """Words and templates as they stand on the disk now; what is returned puts them to use. Errors: ``ConfigError``."""
        places = folders(self.settings, "console")
        read, built = _words(tables(places, "words*.toml")), environment(places, FILTERS)

        def use() -> None:
            self.words, self._environment = read, built

        return use

    # the store ────────────────────────────────────────────────────────────────────────────────────────────────

    async def read(self, work: Callable[[Any], T]) -> T:
        """See ``bot.store.Store``."""
        return await self.parts.store.read(work)

    async def write(self, work: Callable[[Any], T]) -> T:
        """See ``bot.store.Store``."""
        return await self.parts.store.write(work)

    # who is asking ────────────────────────────────────────────────────────────────────────────────────────────

    async def session(self, request: Request, *, touch: bool = True) -> Session | None:
        """The session that the request's cookie stands for, if it has not ended. A page that asks by itself does not ``touch`` it."""
        token = login.get_cookie(request, self.settings, "console")
        if not token:
            return None
        digest, now = login.digest_of(token), self.parts.clock()
        session: Session | None = await self.read(lambda tx: tx.session(digest, now, login.IDLE))
        if session is not None and touch and now - session.seen > TOUCH:
            await self.write(lambda tx: tx.touch_session(digest, now))
        return session

    async def look(self, request: Request, role: str = "reader", *, touch: bool = True) -> Visit:
        """A visitor who may see the page. Errors: ``Elsewhere`` (log in first), ``Refused`` (role too low)."""
        session = await self.session(request, touch=touch)
        if session is None:
            raise Elsewhere(self._to_login(request))
        if not session.account.may(role):
            raise Refused(403, "refused.role")
        waiting, paused = await self.read(lambda tx: (tx.queue_counts(session.account.name)["open"], tx.get_flag("paused") == "1"))
        return Visit(request, session, self.language(request), waiting=waiting, paused=paused)

    async def act(self, request: Request, role: str = "caseworker") -> Visit:
        """A visitor who may do something, with the fields of the form. Errors: as ``look``; ``Refused`` without the form's token."""
        visit = await self.look(request, role)
        form = await self.fields(request)
        if not hmac.compare_digest(form.get("csrf", "").encode(), visit.session.csrf.encode()):
            raise Refused(403, "refused.token")
        return replace(visit, form=form)

    async def fields(self, request: Request) -> dict[str, str]:
        """The fields of a form from this very site. Errors: ``Refused``."""
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Refused(403, "refused.token")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
            raise Refused(415, "refused.form")
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_FORM:
                raise Refused(413, "refused.large")
        try:
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="replace")
        except ValueError:
            raise Refused(400, "refused.form") from None
        return {name: value.replace("\r\n", "\n").replace("\0", "") for name, value in pairs}

    def _to_login(self, request: Request) -> Response:
        if request.method != "GET":
            return RedirectResponse("/console/login", 303)
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        # a link in a web mail comes from another site and carries no strict cookie; asked for once more from here, it does
        if request.headers.get("sec-fetch-site") == "cross-site" and "again" not in request.query_params:
            return self.bare_page(request, "again.html.jinja", target=f"{target}{'&' if request.url.query else '?'}again=1")
        return RedirectResponse(f"/console/login?{urlencode({'next': target})}", 303)

    # words and pages ──────────────────────────────────────────────────────────────────────────────────────────

    def language(self, request: Request) -> Language:
        """The language that was chosen, else the one that the browser likes best, else bokmål."""
        chosen = request.cookies.get("console_language", "")
        return Language(chosen) if chosen in set(Language) else accepted(request.headers.get("accept-language", ""))

    def word(self, key: str, language: Language, **values: Any) -> str:
        """A text of the console, or a word that mails and console share (``reason.below-threshold``); an unknown id is shown as it is."""
        texts = self.words.get(key) or self.parts.words.get(key)
        text = texts[language.value] if texts is not None else key.partition(".")[2] or key
        return text.format(**values) if values else text

    def page(self, visit: Visit, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """A page of somebody who is logged in."""
        did = visit.request.query_params.get("did", "")
        shown = {"visit": visit, "account": visit.account, "csrf": visit.session.csrf, "did": did if f"did.{did}" in self.words else ""}
        return self._render(visit.request, visit.language, template, status, {**shown, **context})

    def bare_page(self, request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """A page of nobody: log-in, faults."""
        return self._render(request, self.language(request), template, status, {"account": None, "did": "", **context})

    def _render(self, request: Request, language: Language, template: str, status: int, context: dict[str, Any]) -> HTMLResponse:
        def t(key: str, **values: Any) -> str:
            return self.word(key, language, **values)

        shared = {
            "t": t,
            "has_word": lambda key: key in self.words or key in self.parts.words,
            "language": language.value,
            "languages": [("nb", "Bokmål"), ("nn", "Nynorsk"), ("en", "English")],
            "here": request.url.path,
            "here_query": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            "when": lambda text: when(text, language),
            "day": lambda text: day(text, language),
            "ago": lambda text: self._ago(text, language),
            "percent": lambda value, digits=0: percent(value, language, digits),
            "organisation": self.settings.service.organisation,
            "static": static,
        }
        return HTMLResponse(self._environment.get_template(template).render({**shared, **context}), status)

    def _ago(self, text: str, language: Language) -> str:
        """How long ago, in one unit."""
        seconds = max(0.0, (self.parts.clock() - moment(text)).total_seconds())
        for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
            if seconds >= size:
                return self.word(f"ago.{unit}", language, n=int(seconds // size))
        return self.word("ago.now", language)


def _words(read: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """The console's words as ``{"queue.title": {"nb": …}}``; a later table goes over an earlier one, word by word."""
    flat: dict[str, dict[str, str]] = {}
    for table in read:
        for group, entries in table.items():
            flat |= {f"{group}.{name}": texts for name, texts in entries.items()}
    return flat


def capitalised(text: str) -> str:
    """The text with a large first letter; unlike Jinja's filter it leaves the others alone (``DPIA``)."""
    return text[:1].upper() + text[1:]


FILTERS: dict[str, Callable[..., str]] = {"path": lambda text: quote(str(text), safe=""), "query": urlencode, "capitalize": capitalised}


def when(text: str | datetime | None, language: Language) -> str:
    """A moment of the store in Norwegian local time."""
    if not text:
        return ""
    local = (moment(text) if isinstance(text, str) else text).astimezone(OSLO)
    clock = f"{local:%H:%M}" if language is Language.EN else f"kl. {local:%H:%M}"
    return f"{_day(local.date(), language)} {clock}"


def day(text: str | date | None, language: Language) -> str:
    """A date, or the date of a moment of the store."""
    if not text:
        return ""
    if isinstance(text, str):
        text = moment(text).astimezone(OSLO).date() if "T" in text else date.fromisoformat(text)
    return _day(text, language)


def _day(value: date, language: Language) -> str:
    month = MONTHS[language.value][value.month - 1]
    return f"{value.day} {month} {value.year}" if language is Language.EN else f"{value.day}. {month} {value.year}"


def percent(value: float | None, language: Language, digits: int = 0) -> str:
    """A share as per cent, with the language's decimal sign."""
    if value is None:
        return "–"
    text = f"{value * 100:.{digits}f}"
    return f"{text}%" if language is Language.EN else f"{text.replace('.', ',')} %"


def route_class(console: Console) -> type[APIRoute]:
    """Routes whose refusals are pages in the visitor's language, and whose answers are kept by no cache."""

    class ConsoleRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def guarded(request: Request) -> Response:
                try:
                    response = await handle(request)
                except Elsewhere as elsewhere:
                    response = elsewhere.response
                except Refused as refused:
                    response = console.bare_page(request, "refused.html.jinja", status=refused.status, word=refused.word)
                response.headers.setdefault("Cache-Control", "no-store")
                return response

            return guarded

    return ConsoleRoute
