"""From a file and the environment to the settings; what is wrong becomes one sentence."""

from __future__ import annotations

import json
import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from bot.config.checks import ConfigError
from bot.config.schema import Settings

SECRETS = {"password", "client_secret"}
NUMBERS = ("int_", "float_", "greater_than", "less_than")


def load(path: Path | None) -> Settings:
    """The settings of a file (or the defaults) with the environment on top. Errors: ``ConfigError``, one sentence."""
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f'--config "{path}" cannot be read ({error.strerror}); give the path of a configuration file') from None
        except UnicodeDecodeError:
            raise ConfigError(f'--config "{path}" is not UTF-8 text; save it as UTF-8') from None
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f'--config "{path}" is not valid TOML: {error}') from None
    try:
        return Settings(**values)
    except ValidationError as error:
        raise ConfigError(_sentence(error)) from None
    except Exception as error:  # pydantic-settings wraps what it cannot parse from the environment
        if type(error).__name__ != "SettingsError":
            raise
        raise ConfigError(f"the environment holds a BOT_ value that cannot be read: {error}") from None


def _sentence(error: ValidationError) -> str:
    """The first fault as one sentence: key, value, what is allowed; a secret's value is never shown."""
    fault = error.errors(include_url=False)[0]
    parts = [str(part) for part in fault["loc"] if not str(part).startswith(("constrained", "literal", "function-"))]
    key = ".".join(part for part in parts if part not in ("str",))
    kind, given = fault["type"], fault["input"]
    if kind == "extra_forbidden":
        return f"{key} is no known setting; {_known_names(parts)}"
    if kind == "missing":
        return f"{key} is missing; config.example.toml explains it"
    if kind == "model_type":
        return f"{key} = {_shown(given)} is not allowed: it must be a section, [{key}] on a line of its own"
    text = fault["msg"].removeprefix("Value error, ")
    text = _number(parts) if kind.startswith(NUMBERS) else (text[0].lower() + text[1:]).replace("input should be", "must be")
    if isinstance(given, dict) or (parts and parts[-1] in SECRETS):
        return f"{key or 'the configuration'}: {text}" if key else text
    return f"{key} = {_shown(given)} is not allowed: {text}"


def _section(name: str) -> type[BaseModel] | None:
    """The class of a section by its name."""
    field = Settings.model_fields.get(name)
    kinds = (field.annotation, *get_args(field.annotation)) if field is not None else ()
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _known_names(parts: list[str]) -> str:
    """What could have been meant by an unknown key, and what there is at its place."""
    section = _section(parts[0]) if len(parts) > 1 else None
    names = list((section or Settings).model_fields)
    near = get_close_matches(parts[-1], names, 1, 0.7)
    where = f"in [{parts[0]}]" if section is not None else "as a section"
    return (f"{near[0]!r} may be meant; " if near else "") + f"allowed {where}: {', '.join(names)}"


def _number(parts: list[str]) -> str:
    """What number a key takes, both limits of it."""
    section = _section(parts[0])
    field = section.model_fields[parts[1]] if section is not None and len(parts) > 1 else None
    limits = {
        name: getattr(limit, name)
        for limit in (field.metadata if field is not None else ())
        for name in ("ge", "gt", "le")
        if hasattr(limit, name)
    }
    number = "a whole number" if field is not None and field.annotation is int else "a number"
    if "le" in limits:
        low = f"from {limits['ge']}" if "ge" in limits else f"above {limits.get('gt', 0)}"
        return f"must be {number} {low} to {limits['le']}"
    if "ge" in limits:
        return f"must be {number}, {limits['ge']} or more"
    return f"must be {number}" + (f" above {limits['gt']}" if "gt" in limits else "")


def _shown(value: object) -> str:
    """A value on one line, without the password that an address of a store may hold."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = re.sub(r"//[^/@\s]*@", "//…@", text)
    return text if len(text) <= 80 else text[:77] + "…"
