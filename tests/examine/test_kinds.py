"""What a file is: told by its bytes, and by its name only where bytes cannot tell."""

from __future__ import annotations

import pytest

from bot.examine.kinds import find_kind, from_name
from tests.documents import docx, xlsx
from tests.examine.files import archive, compound, page, pdf

PDF = pdf(page("Hei"))


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("tilbud.pdf", PDF, "pdf"),
        ("tilbud.docx", PDF, "pdf"),
        ("tilbud", b"junk before\n" + PDF, "pdf"),
        ("a.docx", docx("Hei"), "docx"),
        ("a.bin", docx("Hei"), "docx"),
        ("a.xlsx", xlsx(("a", 1)), "xlsx"),
        ("a.zip", archive({"a.txt": b"x"}), "zip"),
        ("a.pdf", archive({"a.txt": b"x"}), "zip"),
        ("a.asice", archive({"META-INF/signatures.xml": b"<x/>"}), "sdo"),
        ("a.zip", b"PK\x03\x04 broken", "zip"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c\x00", "7z"),
        ("a.txt", b"MZ\x90\x00", "executable"),
        ("a.png", b"\x89PNG\r\n", "image"),
        ("a.jpg", b"\xff\xd8\xff\xe0", "image"),
        ("a.rtf", b"{\\rtf1 x}", "rtf"),
        ("a.sdo", b'<?xml version="1.0"?><SDOList xmlns="x">', "sdo"),
        ("a.xml", b'<?xml version="1.0"?><a/>', "xml"),
        ("a.html", b"<!DOCTYPE html><p>x", "html"),
        ("a.msg", compound(("x", b"")), "msg"),
        ("a.doc", compound(("WordDocument", b"")), "doc"),
        ("a.sav", b"$FL2@(#) SPSS", "data"),
        ("a.dta", b"<stata_dta><header>", "data"),
        ("data.sas7bdat", b"\0" * 100, "data"),
        ("data.parquet", b"PAR1", "data"),
        ("a.csv", b"a;b\n1;2", "csv"),
        ("a.txt", b"Hei", "txt"),
        ("kode.do", b"use data", "txt"),
        ("a.eml", b"From: x\n\nHei", "eml"),
        ("a.bin", b"\0\1\2", "other"),
        ("", b"", "other"),
    ],
)
def test_kinds(name: str, content: bytes, kind: str) -> None:
    assert find_kind(name, "application/octet-stream", content)[0] == kind


@pytest.mark.parametrize(
    ("name", "content", "flag"),
    [
        ("a.docm", docx("Hei"), "macro"),
        ("a.xlsm", xlsx(("a",)), "macro"),
        ("a.doc", compound(("_VBA_PROJECT", b"x")), "macro"),
        ("a.docx", compound(("EncryptedPackage", b"x"), ("EncryptionInfo", b"y")), "encrypted"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c\x00", "encrypted"),
        ("a.exe", b"x", "executable"),
        ("faktura.pdf.exe", b"x", "executable"),
        ("faktura.pdf.exe. ", b"x", "executable"),
        ("a.pdf", b"MZ\x90", "executable"),
        ("a.js", b"x", "executable"),
        ("a.sas7bdat", b"x", "data-file"),
        ("A.SAV", b"x", "data-file"),
    ],
)
def test_flags(name: str, content: bytes, flag: str) -> None:
    assert flag in find_kind(name, "", content)[1]


def test_an_ordinary_file_has_no_flag() -> None:
    for name, content in (
        ("a.pdf", PDF),
        ("a.docx", docx("Hei")),
        ("a.zip", archive({"a.txt": b"x"})),
        ("a.doc", compound(("WordDocument", b""))),
    ):
        assert find_kind(name, "", content)[1] == ()


def test_a_file_that_is_not_opened_is_told_by_its_name() -> None:
    assert from_name("data.sas7bdat", "application/octet-stream") == ("data", ("data-file",))
    assert from_name("a.exe", "application/pdf") == ("executable", ("executable",))
    assert from_name("a.docm", "") == ("other", ("macro",))
    assert from_name("a.pdf", "application/pdf") == ("other", ())
