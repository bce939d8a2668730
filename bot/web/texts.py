"""What the web's pages are made of, read and compiled as a whole: a text that cannot be used is found before anybody sees a page."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError

from bot.config import ConfigError, Settings

BUILT_IN = Path(__file__).parents[1] / "data" / "templates" / "web"


def folders(settings: Settings, below: str = "") -> list[Path]:
    """Where the texts lie, the operator's own first; ``below`` is a folder in them."""
    own = [Path(settings.templates.folder) / "web"] if settings.templates.folder else []
    return [folder / below for folder in (*own, BUILT_IN)]


def environment(places: Iterable[Path], filters: Mapping[str, Any] = MappingProxyType({})) -> Environment:
    """All templates of some folders, compiled; an earlier folder wins, file by file. Errors: ``ConfigError``, naming file and line."""
    built = Environment(
        loader=ChoiceLoader([FileSystemLoader(place) for place in places]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    built.filters |= filters
    for name in built.list_templates(filter_func=lambda name: name.endswith(".jinja") and "/" not in name):
        try:
            built.get_template(name)
        except (TemplateError, OSError, UnicodeDecodeError) as error:
            line = f", line {error.lineno}" if isinstance(error, TemplateSyntaxError) else ""
            raise ConfigError(f"the template {name} cannot be used{line}: {error}") from None
    return built


def tables(places: Iterable[Path], pattern: str) -> list[dict[str, Any]]:
    """The files of words in some folders, in rising order of precedence. Errors: ``ConfigError``, naming the file."""
    found = []
    for path in (path for place in reversed(list(places)) for path in sorted(place.glob(pattern))):
        try:
            found.append(tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:  # both faults of TOML and of UTF-8 are ValueErrors
            raise ConfigError(f"the words in {path} cannot be read: {error}") from None
    return found
