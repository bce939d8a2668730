"""``winmail.dat``: the names and contents of the files in Outlook's envelope ([MS-OXTNEF] § 2.1).

Read here in a few lines: the well-kept readers are under a licence that not every agency may ship.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

SIGNATURE = 0x223E9F78
BODY, RENDERING, TITLE, DATA, PROPERTIES = 0x800C, 0x9002, 0x8010, 0x800F, 0x9005
LONG_NAME = 0x3707  # PidTagAttachLongFilename
FILES = 200


@dataclass
class Envelope:
    """The text and the files of a TNEF envelope."""

    text: str = ""
    files: list[tuple[str, bytes]] = field(default_factory=list)


def read(content: bytes) -> Envelope | None:
    """What is inside, or None where the bytes are no TNEF; a cut envelope gives what is whole."""
    if len(content) < 6 or struct.unpack_from("<I", content)[0] != SIGNATURE:
        return None
    found, at = Envelope(), 6
    name, data = "", None
    while at + 11 <= len(content) and len(found.files) < FILES:
        _, identifier, _, length = struct.unpack_from("<BHHI", content, at)
        value = content[at + 9 : at + 9 + length]
        at += 9 + length + 2
        if identifier == RENDERING:
            if data is not None:
                found.files.append((name or "unnamed", data))
            name, data = "", None
        elif identifier == TITLE:
            name = name or _text(value)
        elif identifier == DATA:
            data = value
        elif identifier == PROPERTIES:
            name = _long_name(value) or name
        elif identifier == BODY:
            found.text = _text(value)
    if data is not None:
        found.files.append((name or "unnamed", data))
    return found


def _text(value: bytes) -> str:
    return value.rstrip(b"\x00").decode("cp1252", "replace")


def _long_name(value: bytes) -> str:
    """The long file name among an attachment's MAPI properties: found by its tag (type 001E or 001F), not by reading all the others."""
    for kind, encoding in ((0x001F, "utf-16-le"), (0x001E, "cp1252")):
        at = value.find(struct.pack("<HH", kind, LONG_NAME))
        if at >= 0 and at + 12 <= len(value):
            length = struct.unpack_from("<I", value, at + 8)[0]
            return value[at + 12 : at + 12 + min(length, 600)].decode(encoding, "replace").rstrip("\x00")
    return ""
