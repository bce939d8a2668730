"""Rendering of the chat's pages: templates, words, language and the addresses of static files."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from fastapi import Request
from starlette.responses import HTMLResponse

from bot.config import Settings
from bot.model import Language
from bot.web.texts import environment, folders, tables

STATIC = Path(__file__).parent / "static"

# the primary subtags that mean one of our languages; every other one means English (bot.model.Language)
SUBTAGS = {"nb": Language.NB, "no": Language.NB, "nn": Language.NN, "da": Language.NB, "sv": Language.NB}
RANGE = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]{1,35})?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?")

Words = Mapping[str, Any]


def words(places: list[Path]) -> dict[Language, Words]:
    """The words of ``words.toml``, in each language; a word in an earlier folder wins. Errors: ``ConfigError``."""
    found: dict[Language, dict[str, Any]] = {language: {} for language in Language}
    for table in tables(places, "words.toml"):
        for language in Language:
            found[language].update(table.get(language.value, {}))
    return dict(found)


def language_of(request: Request) -> Language:
    """The language of a page: ``?lang=``, else the best of Accept-Language (RFC 9110 § 12.5.4), else bokmål."""
    with contextlib.suppress(ValueError):
        return Language(request.query_params.get("lang", ""))
    return accepted(request.headers.get("accept-language", ""))


def accepted(header: str) -> Language:
    """The language that an Accept-Language header likes best. Nothing said, or ``*`` first: bokmål."""
    best, best_weight = Language.NB, 0.0
    for part in header.split(",")[:20]:
        match = RANGE.fullmatch(part)
        if match is None:
            continue
        weight = float(match[2]) if match[2] else 1.0
        if weight > best_weight:
            best, best_weight = SUBTAGS.get(match[1].lower(), Language.EN), weight
    return best


class Pages:
    """The chat's pages in three languages. Templates of the operator's own win, file by file."""

    words: dict[Language, Words]

    def __init__(self, settings: Settings) -> None:
        """Reads words and templates. Errors: ``ConfigError``."""
        self._settings = settings
        self.reread()()

    def reread(self) -> Callable[[], None]:
        """Words and templates as they stand on the disk now; what is returned puts them to use. Errors: ``ConfigError``."""
        places, web = folders(self._settings), self._settings.web
        read, built = words(places), environment(places)
        built.globals.update(
            organisation=self._settings.service.organisation,
            address=self._settings.service.address,
            privacy_url=web.privacy_url if web else "",
            kept_days=self._settings.retention.chat,
            static=static,
        )

        def use() -> None:
            self.words, self._environment = read, built

        return use

    def render(self, template: str, language: Language, **context: Any) -> str:
        """A template as text. Errors: jinja2's ``TemplateError``."""
        told = {"t": self.words[language], "lang": language.value, **context}
        return self._environment.get_template(f"{template}.html.jinja").render(told)

    def page(self, template: str, request: Request, language: Language, *, status: int = 200, **context: Any) -> HTMLResponse:
        """A whole page as a response."""
        embedded = request.query_params.get("embed") == "1"
        text = self.render(template, language, embedded=embedded, **context)
        return HTMLResponse(text, status, {"Content-Language": language.value, "Vary": "Accept-Language"})

    def date(self, day: date, language: Language) -> str:
        """A date in words."""
        told = self.words[language]
        return str(told["date"]).format(day=day.day, month=told["months"][day.month - 1], year=day.year)


_versions: dict[str, str] = {}


def static(name: str) -> str:
    """The address of a static file; it changes with the content, so that browsers may keep it for ever."""
    if name not in _versions:
        _versions[name] = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={_versions[name]}"
