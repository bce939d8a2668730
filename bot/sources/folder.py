"""Files, mbox and Maildir as mails that arrive now."""

from __future__ import annotations

import hashlib
import mailbox
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from bot.model import Raw
from bot.sources import Receive


class Unreadable(Exception):
    """A path that holds no mail; the text says what is expected."""


def read(paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of every mail: an ``.eml`` file, an mbox (``path#n``, counted from 1), a Maildir, or a folder of ``.eml``.

    Errors: ``Unreadable`` with a sentence, for all paths before the first mail is given.
    """
    files = [file for path in paths for file in _files(path)]
    for file in files:
        try:
            file.open("rb").close()
        except OSError as error:
            raise Unreadable(f"{file} cannot be read ({error.strerror})") from None
    return _mails(files)


def _files(path: Path) -> list[Path]:
    """The files that a path stands for; those of a Maildir as they were delivered."""
    if not path.exists():
        raise Unreadable(f"{path} does not exist; give .eml files, an mbox or a Maildir")
    if not path.is_dir():
        return [path]
    if (path / "cur").is_dir() or (path / "new").is_dir():
        return [file for name in ("new", "cur") for file in sorted((path / name).glob("*")) if file.is_file()]
    files = sorted(path.glob("*.eml"))
    if not files:
        raise Unreadable(f"{path} holds no .eml files and is no Maildir")
    return files


def _mails(files: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    for file in files:
        with file.open("rb") as opened:
            is_mbox = opened.read(5) == b"From " and file.suffix.lower() != ".eml"
        if is_mbox:
            yield from _mbox(file)
        else:
            yield str(file), file.read_bytes()


def _mbox(path: Path) -> Iterator[tuple[str, bytes]]:
    box = mailbox.mbox(path, create=False)
    try:
        for number, key in enumerate(box.keys(), 1):
            yield f"{path}#{number}", box.get_bytes(key)
    finally:
        box.close()


def raw(content: bytes, now: datetime) -> Raw:
    """A mail from a file, arriving ``now``."""
    return Raw("sha256:" + hashlib.sha256(content).hexdigest(), content, now, "folder")


class Folder:
    """``bot.sources.Source`` that offers what the paths hold, once, and ends."""

    name = "folder"

    def __init__(self, paths: Iterable[Path], clock: Callable[[], datetime]) -> None:
        """See ``read`` for what a path may be."""
        self._paths = tuple(paths)
        self._clock = clock

    async def run(self, receive: Receive) -> None:
        """Offer each mail once."""
        for _, content in read(self._paths):
            await receive(raw(content, self._clock()))
