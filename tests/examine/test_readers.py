"""One reader a kind: text, flags, members. R29 and R33 of the reliability list. Run here in the process itself; the worker's limits
are tested beside it."""

from __future__ import annotations

import io
import struct
import zipfile
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from bot.examine.worker import read_one
from tests.documents import docx, pdf, scan, xlsx
from tests.examine.files import archive, compound, replaced

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def examined(name: str, content: bytes) -> dict[str, Any]:
    """What the worker would answer."""
    return read_one(name, "application/octet-stream", content, {})


def locked_pdf() -> bytes:
    """A PDF that opens with a password."""
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(pdf("Hemmelig"))))
    writer.encrypt(owner_pass="a", user_pass="b")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_pdf() -> None:
    found = examined("tilbud.pdf", pdf("Tilbud 26/1234", "Pris: 40 000 kr"))
    assert (found["kind"], found["flags"], found["note"]) == ("pdf", [], "")
    assert found["text"].split() == ["Tilbud", "26/1234", "Pris:", "40", "000", "kr"]


def test_a_scan_says_that_it_has_no_text() -> None:
    assert "scan" in examined("skann.pdf", scan())["note"]


def test_docx_with_a_table() -> None:
    found = examined("søknad.docx", docx("Søknad om data", table=(("Register", "År"), ("Utdanning", "2015"))))
    assert found["text"].split("\n") == ["Søknad om data", "Register\tÅr", "Utdanning\t2015"]


def test_xlsx() -> None:
    assert examined("liste.xlsx", xlsx(("Variabel", "År"), ("inntekt", 2015)))["text"].split("\n")[1:] == ["Variabel\tÅr", "inntekt\t2015"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_in_its_charset(encoding: str) -> None:
    assert examined("notat.txt", "Søknad på æøå".encode(encoding))["text"] == "Søknad på æøå"


def test_a_table_of_persons_is_data() -> None:
    rows = "fnr;inntekt\n" + "12345678901;100\n" * 5
    assert "data-file" in examined("utvalg.csv", rows.encode())["flags"]
    assert examined("variabler.csv", b"variabel;beskrivelse\na;b\nc;d\ne;f\n")["flags"] == []
    assert examined("skjema.csv", b"fnr\n12345678901\n")["flags"] == []


def test_a_page_is_read_without_its_scripts() -> None:
    assert (
        examined("a.html", b"<!DOCTYPE html><script>alert(1)</script><p>Pris &amp; vilk\xc3\xa5r</p><p>2026")["text"]
        == "Pris & vilkår\n2026"
    )


# ── R29 ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_r29_a_mail_inside_is_read() -> None:
    """R29: subject, sender, text and the names of its files."""
    inner = EmailMessage()
    inner["From"], inner["Subject"] = "Bjørn <bjorn@uni.example>", "Søknad på nytt"
    inner.set_content("Hei, vedlagt søknad.", charset="iso-8859-1")
    inner.add_attachment(b"x", maintype="application", subtype="pdf", filename="søknad.pdf")
    found = examined("vs.eml", inner.as_bytes())
    assert (found["kind"], found["flags"], found["members"]) == ("eml", ["nested"], ["søknad.pdf"])
    for words in ("Bjørn", "Søknad på nytt", "Hei, vedlagt søknad."):
        assert words in found["text"]


def test_r29_a_mail_inside_that_is_html_only_and_broken() -> None:
    """R29: no plain part, an unknown charset, a header that lies."""
    content = b"Subject: =?x-foo?Q?S=F8knad\nContent-Type: text/html; charset=no-such\n\n<style>a</style><p>Hei,<br>s\xf8knad.</p>"
    found = examined("vs.eml", content)
    assert "Hei,\nsøknad." in found["text"]
    assert found["flags"] == ["nested"]


def msg(subject: str, body: str, sender: str) -> bytes:
    """An Outlook message ([MS-OXMSG]): the properties that are strings, each in its stream."""
    strings = {"0037": subject, "1000": body, "0C1A": sender, "0C1F": "bjorn@uni.example", "001A": "IPM.Note"}
    listed = b"".join(struct.pack("<HHIII", 0x001F, int(tag, 16), 6, len(value) * 2 + 2, 0) for tag, value in strings.items())
    streams = [(f"__substg1.0_{tag}001F", value.encode("utf-16-le")) for tag, value in strings.items()]
    return compound(("__properties_version1.0", b"\0" * 32 + listed), *streams)


def test_r29_an_outlook_message_is_read_or_said_to_be_unreadable() -> None:
    """R29: .msg; whatever its bytes, the answer is a note and never an exception."""
    found = examined("vs.msg", msg("Søknad", "Hei, vedlagt søknad.", "Bjørn Dahl"))
    assert (found["kind"], found["flags"]) == ("msg", ["nested"])
    for words in ("Søknad", "Hei, vedlagt søknad."):
        assert words in found["text"]
    broken = examined("vs.msg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    assert broken["flags"] == ["unreadable"]


def test_r29_a_zip_lists_its_files() -> None:
    """R29: names, and what the names say."""
    found = examined("a.zip", archive({"søknad.pdf": b"x", "data/utvalg.sav": b"x", "kjør.exe": b"x", "rare\n\u202ename.txt": b"x"}))
    assert found["members"][:3] == ["søknad.pdf", "data/utvalg.sav", "kjør.exe"]
    assert "\n" not in found["members"][3] and "\u202e" not in found["members"][3]
    assert found["flags"] == ["data-file", "executable"]


def test_r29_an_encrypted_zip_is_flagged() -> None:
    """R29: listed, not opened."""
    found = examined("a.zip", archive({"søknad.pdf": b"x"}, locked=True))
    assert (found["flags"], found["members"]) == (["encrypted"], ["søknad.pdf"])


def test_r29_a_pdf_with_a_password_is_flagged() -> None:
    """R29: it says that a password is needed."""
    found = examined("a.pdf", locked_pdf())
    assert (found["kind"], found["flags"]) == ("pdf", ["encrypted"])


def test_r29_macros_are_flagged_whatever_the_name() -> None:
    """R29: .docm by its name, and a .docx that carries a macro all the same."""
    assert examined("a.docm", docx("Hei"))["flags"] == ["macro"]
    assert examined("a.docx", replaced(docx("Hei"), "word/vbaProject.bin", b"x"))["flags"] == ["macro"]
    assert examined("a.xlsx", replaced(xlsx(("a",)), "xl/vbaProject.bin", b"x"))["flags"] == ["macro"]


# ── bombs and broken files ────────────────────────────────────────────────────────────────────────────────────


def test_a_zip_bomb_is_not_opened() -> None:
    bomb = archive({f"{number}.txt": b"\0" * 10_000_000 for number in range(3)})
    assert len(bomb) < 100_000
    found = examined("a.zip", bomb)
    assert found["flags"] == ["bomb"] and "not opened" in found["note"]
    for name in ("a.docx", "a.xlsx"):
        folder = "word" if name == "a.docx" else "xl"
        assert examined(name, archive({f"{folder}/x.xml": b"\0" * 10_000_000}))["flags"] == ["bomb"]


def test_an_archive_of_ten_thousand_and_one_files_is_not_opened() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as files:
        for number in range(10_001):
            files.writestr(f"{number}", b"")
    assert examined("a.zip", out.getvalue())["flags"] == ["bomb"]


def test_entities_that_grow_are_not_followed() -> None:
    laughs = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(10)
    )
    document = (
        laughs + b']><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>&k;</w:body></w:document>'
    )
    found = examined("a.docx", replaced(docx("Hei"), "word/document.xml", document))
    assert len(found["text"]) < 1000
    outside = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/hostname">]><l>&a;</l>'
    assert "/etc/hostname" in examined("a.xml", outside)["text"]  # read as text, nothing followed
    assert Path("/etc/hostname").exists() is False or Path("/etc/hostname").read_text().strip() not in examined("a.xml", outside)["text"]


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.xlsx", "a.zip", "a.msg", "a.eml", "a.html", "a.csv", "a.xml", "a.txt"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 5000,
        b"%PDF-1.7\n",
        b"PK\x03\x04" + b"\xff" * 300,
        b"PK\x05\x06" + b"\0" * 18,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"\xff\xfe\x00",
    ],
)
def test_broken_files_get_a_note_and_nothing_worse(name: str, content: bytes) -> None:
    found = examined(name, content)
    assert isinstance(found["text"], str)
    assert found["kind"]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_cut_files_get_a_note_and_nothing_worse(share: float) -> None:
    for name, whole in (("a.pdf", pdf("Hei")), ("a.docx", docx("Hei")), ("a.xlsx", xlsx(("a",))), ("a.zip", archive({"a": b"x"}))):
        examined(name, whole[: int(len(whole) * share)])


def test_r33_no_scanner_is_claimed() -> None:
    """R33: there is no virus scanner in this program (docs/security.md says so); a test virus is a text like any other, never "clean".

    Attachments are flagged by kind, kept away from the text that is answered, and scanned by the mail server in front."""
    found = examined("eicar.com", EICAR)
    assert "executable" in found["flags"]
    assert examined("eicar.txt", EICAR)["flags"] == []
