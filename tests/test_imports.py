"""Who may import whom: the table of the architecture, held by reading the sources, and what a start must not load."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "bot"
MODEL = "bot.model"
CORE = (
    "bot.knowledge",
    "bot.mail",
    "bot.understanding",
    "bot.matters",
    "bot.decide",
    "bot.letter",
    "bot.compose",
    "bot.alarms",
    "bot.ledger",
    "bot.notices",
)  # each may use those before it
EDGES = ("bot.examine", "bot.store", "bot.sources", "bot.senders", "bot.config", "bot.journal", "bot.thinking")
CONTRACTS = ("bot.store", "bot.sources", "bot.senders")  # the three __init__, not what lies below them
PIPELINE = ("bot.pipeline", "bot.evaluate", "bot.watch")
AROUND = (
    "bot.learning",
    "bot.importing",
    "bot.exporting",
    "bot.archive",
    "bot.oauth2",
)  # what commands and service need beside the pipeline
TOP = ("bot.web", "bot.run", "bot.doctor", "bot.demo", "bot.demo_documents", "bot.demo_mails", "bot.commands", "bot.cli", "bot.__main__")

FORBIDDEN_IN_CORE = {"asyncio", "sqlite3", "socket", "ssl", "select", "time", "random", "secrets", "logging"}

# Third-party library → the one module (or folder) that may import it. More than one place needs its reason.
PLACES: dict[str, tuple[str, ...]] = {
    "Stemmer": ("bot.understanding.features",),
    "aiosmtpd": ("bot.sources.smtp",),
    "argon2": ("bot.web",),
    "asn1crypto": ("bot.mail.mime", "bot.examine", "bot.demo_documents"),  # S/MIME envelopes are MIME; signatures; the demo signs
    "authlib": ("bot.web",),
    "cryptography": ("bot.demo_documents", "bot.examine"),
    "docx": ("bot.examine",),
    "fastapi": ("bot.web",),
    "holidays": ("bot.matters.calendar",),
    "httpx2": ("bot.web",),
    "imapclient": ("bot.sources.imap",),
    "inscriptis": ("bot.mail.html",),
    "itsdangerous": ("bot.web",),
    "joserfc": ("bot.web",),
    "jinja2": ("bot.compose", "bot.web"),  # mails are text, pages are escaped HTML: two environments
    "lxml": ("bot.mail.html", "bot.examine"),
    "markupsafe": ("bot.web",),
    "msal": ("bot.oauth2",),
    "multipart": ("bot.web",),
    "nh3": ("bot.web",),
    "numpy": ("bot.understanding",),
    "openpyxl": ("bot.examine", "bot.importing", "bot.exporting"),  # attachments; case lists in; registers out
    "oxmsg": ("bot.examine",),
    "prometheus_client": ("bot.journal",),
    "publicsuffixlist": ("bot.mail.authentication",),
    "pydantic": ("bot.config", "bot.web"),  # settings; bodies of requests
    "pydantic_settings": ("bot.config",),
    "pyhanko": ("bot.examine", "bot.demo_documents"),
    "pyhanko_certvalidator": ("bot.examine", "bot.demo_documents"),
    "pyotp": ("bot.web",),
    "pypdfium2": ("bot.examine",),
    "rapidfuzz": ("bot.understanding.fuzzy",),
    "requests": ("bot.oauth2",),  # msal's transport, for a certification authority of one's own
    "rich": ("bot.commands", "bot.demo"),
    "sklearn": ("bot.understanding",),
    "sqlite_utils": ("bot.store",),
    "starlette": ("bot.web",),
    "typer": ("bot.cli", "bot.commands"),
    "uvicorn": ("bot.web",),
}


def within(module: str, places: tuple[str, ...]) -> bool:
    """Whether a module is one of the places or lies below one."""
    return any(module == place or module.startswith(place + ".") for place in places)


def name_of(path: Path) -> str:
    """The dotted name of a source file."""
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imported(module: str) -> Iterator[tuple[str, int]]:
    """(dotted name, line) of all that a module imports at run time, anywhere in it; ``if TYPE_CHECKING`` is left out."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    unread = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in unread:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}:{node.lineno}: say bot.…, no relative imports"
            assert node.module is not None
            for alias in node.names:  # `from bot.mail import parse` names a module or what is in it
                whole = f"{node.module}.{alias.name}"
                yield (whole if whole in MODULES else node.module), node.lineno


def ours(module: str) -> list[tuple[str, int]]:
    """What a module imports of our own."""
    return [(name, line) for name, line in imported(module) if name.split(".")[0] == "bot" and name != "bot"]


def may_import(module: str, other: str) -> bool:
    """The table, row by row."""
    if other in (module, MODEL):
        return True
    if within(module, (MODEL,)):
        return within(other, (MODEL,))
    for number, part in enumerate(CORE):
        if within(module, (part,)):
            return within(other, CORE[: number + 1])
    for part in EDGES:
        if within(module, (part,)):
            return within(other, (part,))
    if within(module, PIPELINE):
        return within(other, (*CORE, *PIPELINE, "bot.examine", "bot.journal", "bot.thinking")) or other in CONTRACTS
    if within(module, AROUND):
        return within(other, (*CORE, *AROUND, "bot.config"))
    return within(other, (*CORE, *EDGES, *PIPELINE, *AROUND, *TOP))


@pytest.mark.parametrize("module", MODULES)
def test_layers(module: str) -> None:
    wrong = [f"line {line}: {other}" for other, line in ours(module) if not may_import(module, other)]
    assert not wrong, f"{module} may not import {wrong}"


def test_every_module_has_its_layer() -> None:
    known = ("bot.model", *CORE, *EDGES, *PIPELINE, *AROUND, *TOP)
    assert [module for module in MODULES if module != "bot" and not within(module, known)] == []


def test_the_table_has_teeth() -> None:
    """The rules say no where they must: a table that allows everything would pass silently."""
    for module, other in (
        ("bot.decide", "bot.store.sqlite"),
        ("bot.decide", "bot.compose"),
        ("bot.mail.mime", "bot.understanding"),
        ("bot.sources.imap", "bot.store"),
        ("bot.store.mails", "bot.decide"),
        ("bot.pipeline", "bot.store.sqlite"),
        ("bot.pipeline", "bot.config"),
        ("bot.model", "bot.knowledge"),
        ("bot.learning", "bot.run"),
    ):
        assert not may_import(module, other), (module, other)


@pytest.mark.parametrize("module", [module for module in MODULES if within(module, (MODEL, *CORE))])
def test_the_core_has_no_clock_no_network_no_chance(module: str) -> None:
    roots = {name.split(".")[0]: line for name, line in imported(module)}
    assert not FORBIDDEN_IN_CORE & set(roots), module
    calls = [
        node.lineno
        for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("now", "today", "utcnow")
    ]
    assert not calls, f"{module}: the time is passed in, line {calls}"


def test_each_library_has_its_place() -> None:
    wrong = []
    for module in MODULES:
        for name, line in imported(module):
            root = name.split(".")[0]
            if root != "bot" and root not in sys.stdlib_module_names and not within(module, PLACES.get(root, ())):
                wrong.append(f"{module}:{line} imports {root}")
    assert not wrong


def test_the_vocabulary_needs_nothing_but_the_standard_library() -> None:
    for module in (module for module in MODULES if within(module, (MODEL,))):
        assert {name.split(".")[0] for name, _ in imported(module) if not within(name, (MODEL,))} <= sys.stdlib_module_names, module


# ── what a start must not load ────────────────────────────────────────────────────────────────────────────────

HEAVY = [
    "sklearn",
    "fastapi",
    "starlette",
    "uvicorn",
    "pyhanko",
    "pyhanko_certvalidator",
    "pypdfium2",
    "docx",
    "openpyxl",
    "msal",
    "authlib",
]


def loaded(code: str, *words: str) -> set[str]:
    """The heavy libraries that a fresh interpreter has loaded after ``code``."""
    tail = f"\nimport sys, json; print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code + tail, *words], capture_output=True, text=True, timeout=120, cwd=PACKAGE.parent)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_command_line_loads_nothing_heavy() -> None:
    assert loaded("import bot.cli") == set()


def test_the_service_loads_nothing_heavy_before_it_is_needed(tmp_path: Path, model: object) -> None:
    """With the learned model in the cache neither the trainer nor the web framework nor an examiner is loaded to get ready."""
    code = """
import asyncio, sys
from bot.config import Settings
from bot.run import open_parts
async def main():
    async with open_parts(Settings(service={"data": sys.argv[1]})):
        pass
asyncio.run(main())
"""
    assert loaded(code, str(tmp_path)) == set()
