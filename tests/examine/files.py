"""Files as people and attackers send them, made here: nothing of anybody's stands in the repository."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib


def pdf(*streams: bytes, resources: bytes = b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>") -> bytes:
    """A PDF of one page a stream; a stream is given with its dictionary, as ``packed`` makes it."""
    pages = b" ".join(b"%d 0 R" % (3 + 2 * number) for number in range(len(streams)))
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [%s] /Count %d >>" % (pages, len(streams))]
    for number, stream in enumerate(streams):
        contents = b"%d 0 R" % (4 + 2 * number)
        objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %s /Resources %s >>" % (contents, resources))
        objects.append(stream)
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return bytes(out + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))


def packed(content: bytes) -> bytes:
    """A stream object, deflated."""
    data = zlib.compress(content, 9)
    return b"<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(data) + data + b"\nendstream"


def page(text: str) -> bytes:
    """The stream of a page that shows a text."""
    return packed(b"BT /F1 11 Tf 56 780 Td (" + text.encode("cp1252") + b") Tj ET")


def endless_pdf() -> bytes:
    """A hundred kilobytes that ask for minutes: each page writes the same letter again and again."""
    return pdf(*[packed(b"BT /F1 11 Tf 56 780 Td " + b"(a) Tj 0 1 Td " * 500_000 + b"ET")] * 50)


def swelling_pdf() -> bytes:
    """A hundred kilobytes that unpack to four gigabytes: deflated twice. A flushed block can stand again and again."""
    inner = zlib.compressobj(9)
    begins = inner.compress(b"\0") + inner.flush(zlib.Z_FULL_FLUSH)
    block = inner.compress(b"\0" * 2**24) + inner.flush(zlib.Z_FULL_FLUSH)
    data = zlib.compress(begins + block * 256 + inner.flush(), 9)
    return pdf(b"<< /Length %d /Filter [/FlateDecode /FlateDecode] >>\nstream\n" % len(data) + data + b"\nendstream")


def archive(files: dict[str, bytes], *, locked: bool = False) -> bytes:
    """A zip archive; ``locked`` sets the mark that its members need a password."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed_files:
        for name, content in files.items():
            packed_files.writestr(name, content)
    content = bytearray(out.getvalue())
    if locked:
        for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            at = content.find(mark)
            while at >= 0:
                content[at + offset] |= 1
                at = content.find(mark, at + 4)
    return bytes(content)


def replaced(office: bytes, member: str, content: bytes) -> bytes:
    """An Office file with one of its members replaced or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(office)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name != member:
                new.writestr(name, old.read(name))
        new.writestr(member, content)
    return out.getvalue()


def compound(*streams: tuple[str, bytes]) -> bytes:
    """A compound file ([MS-CFB]) of streams of at least 4096 bytes each, in the root: the skeleton of ``.msg`` and old Office files."""
    free, end, fat_sector = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    body, chain, entries = bytearray(), [], []
    for name, content in streams:
        content = content.ljust(4096, b"\0")
        first, count = len(chain), -(-len(content) // 512)
        chain += [*range(first + 1, first + count), end]
        body += content.ljust(count * 512, b"\0")
        entries.append((name, 2, first, len(content)))
    directory_at = len(chain)
    all_entries = [("Root Entry", 5, end, 0), *entries]
    while len(all_entries) % 4:
        all_entries.append(("", 0, 0, 0))
    rows = bytearray()
    for number, (name, kind, first, size) in enumerate(all_entries):
        encoded = name.encode("utf-16-le")
        right = number + 1 if 0 < number < len(entries) else free
        child = 1 if kind == 5 and entries else free
        row = encoded.ljust(64, b"\0") + struct.pack("<HBBIII", len(encoded) + 2 if name else 0, kind, 1, free, right, child)
        rows += row + b"\0" * 36 + struct.pack("<IQ", first, size)
    sectors = len(rows) // 512
    chain += [*range(directory_at + 1, directory_at + sectors), end]
    fat_at = len(chain)
    chain.append(fat_sector)
    assert len(chain) <= 128
    fat = struct.pack("<128I", *chain, *([free] * (128 - len(chain))))
    head = struct.pack(
        "<8s16sHHHHH6xIIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"",
        0x3E,
        3,
        0xFFFE,
        9,
        6,
        0,
        1,
        directory_at,
        0,
        4096,
        end,
        0,
        end,
        0,
        fat_at,
    )
    return head + struct.pack("<108I", *([free] * 108)) + bytes(body) + bytes(rows) + fat
