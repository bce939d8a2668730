"""Charsets that lie, encoded words in every abuse, and what no text may hold."""

from __future__ import annotations

import base64

import pytest

from bot.mail.text import clean, codec_of, decode, header, unscramble

NB = "Søknad på æøå – «sitat» €"


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("utf-8", NB),
        ("windows-1252", NB),
        ("iso-8859-1", "Søknad på æøå"),
        ("iso-8859-15", "Søknad på æøå €"),
        ("macintosh", "Søknad på æøå"),
        ("cp865", "Søknad på æøå"),
        ("koi8-r", "Здравствуйте, сколько"),
        ("windows-1251", "Здравствуйте, сколько"),
        ("iso-8859-5", "Здравствуйте, сколько"),
        ("x-mac-cyrillic", "Здравствуйте, сколько"),
        ("big5", "你好，數據"),
        ("gb2312", "你好，数据"),
        ("gb18030", "你好，数据"),
        ("hz-gb-2312", "你好，数据"),
        ("iso-2022-jp", "こんにちは"),
        ("shift_jis", "こんにちは"),
        ("euc-jp", "こんにちは"),
        ("euc-kr", "안녕하세요"),
        ("ks_c_5601-1987", "안녕하세요"),
        ("iso-2022-kr", "안녕하세요"),
        ("windows-1250", "Dzień dobry źródłowe"),
        ("iso-8859-2", "Dzień dobry źródłowe"),
        ("windows-1253", "Καλημέρα"),
        ("windows-1254", "Merhaba şğıİ"),
        ("windows-1255", "שלום"),
        ("windows-1256", "مرحبا"),
        ("windows-1257", "Ačiū"),
        ("tis-620", "สวัสดี"),
        ("windows-874", "สวัสดี"),
        ("utf-7", NB),
        ("utf-16", NB),
        ("utf-16le", NB),
    ],
)
def test_declared_charsets(charset: str, text: str) -> None:
    names = {
        "macintosh": "mac_roman",
        "x-mac-cyrillic": "mac_cyrillic",
        "hz-gb-2312": "hz",
        "ks_c_5601-1987": "cp949",
        "windows-874": "cp874",
    }
    assert decode(text.encode(names.get(charset, charset)), charset) == (text, "")
    assert decode(text.encode(names.get(charset, charset)), f' "{charset.upper()}" ') == (text, "")


@pytest.mark.parametrize(
    "charset", ["us-ascii", "iso-8859-1", "windows-1252", "koi8-r", "gb2312", "iso-8859-2", "x-unknown", "unknown-8bit", "_charset_"]
)
def test_utf_8_under_any_other_name(charset: str) -> None:
    text, flaw = decode(NB.encode(), charset)
    assert text == NB
    assert flaw in ("charset-wrong", "charset-unknown")


@pytest.mark.parametrize("charset", ["", "utf-8", "us-ascii", "iso-8859-1", "x-unknown"])
def test_windows_1252_under_any_other_name(charset: str) -> None:
    assert decode(NB.encode("cp1252"), charset)[0] == NB


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"S\xc3\xb8knad p\xe5 \xe6\xf8\xe5.", "Søknad på æøå."),  # two hands, two charsets
        (b"S\xc3\xb8knad p\xc3\xa5 \xc3", "Søknad på "),  # cut in the middle of a letter
        (b"Flott \xed\xa0\xbd\xed\xb8\x82", "Flott 😂"),  # CESU-8
        ("Здравствуйте, сколько это стоит".encode("koi8-r"), "Здравствуйте, сколько это стоит"),
        ("Здравствуйте, сколько это стоит".encode("cp1251"), "Здравствуйте, сколько это стоит"),
        ("Søkt på nytt".encode("mac_roman"), "Søkt på nytt"),
    ],
)
def test_undeclared_and_mixed(content: bytes, text: str) -> None:
    assert decode(content, "") == (text, "charset-wrong")


@pytest.mark.parametrize(
    "name", ["", "x" * 50, "idna", "punycode", "unicode_escape", "base64", "rot13", "zip", "hex", "undefined", "no\nsuch", "æ"]
)
def test_what_is_no_charset(name: str) -> None:
    assert codec_of(name) is None
    assert decode(b"abc", name)[0] == "abc"


@pytest.mark.parametrize("times", [1, 2, 3])
def test_doubly_encoded(times: int) -> None:
    text = "Søknad på æøå"
    for _ in range(times):
        text = text.encode().decode("latin-1")
    assert unscramble(text) == "Søknad på æøå"


@pytest.mark.parametrize("text", ["Ã er en bokstav", "SÃO PAULO", "â€", "Prisen er 5 €"])
def test_what_only_looks_so_stays(text: str) -> None:
    assert unscramble(text) == text


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("=?UTF-8?B?U8O4a25hZA==?=", "Søknad"),
        ("=?iso-8859-1?Q?S=F8knad_om?=", "Søknad om"),
        ("=?iso-8859-1?Q?S=F8knad om data?=", "Søknad om data"),  # blanks inside: forbidden, and common
        ("=?utf-8?B?U8M=?= =?utf-8?B?uGtuYWQ=?=", "Søknad"),  # cut inside a letter
        ("=?utf-8?Q?S=C3=B8k?=\n =?utf-8?Q?nad?=", "Søknad"),
        ("=?utf-8?Q?S=C3=B8k?=\r\n\t=?utf-8?Q?nad?=", "Søknad"),
        ('"=?utf-8?Q?S=C3=B8knad?=" x', '"Søknad" x'),
        ("=?utf-8*nb?Q?S=C3=B8knad?=", "Søknad"),
        ("=?x-foo?Q?S=C3=B8knad?=", "Søknad"),
        ("=?us-ascii?Q?S=F8knad?=", "Søknad"),
        ("=?utf-8?Q?S=C3=B8knad?=om=?utf-8?Q?_data?=", "Søknadom data"),
        ("=?UTF-8?B?PT9VVEYtOD9CP1U4TzRhMjVoWkE9PT89?=", "Søknad"),  # encoded twice
        ("=?ISO-2022-JP?B?GyRCJDMkcxsoQg==?=", "こん"),
        ("\x1b$B$3$s\x1b(B", "こん"),
        ("=?utf-8?B?U8O4a25hZA?=", "Søknad"),  # padding lost
        ("=?utf-8?Q?A=0AB=00C?=", "A BC"),
        ("Re:\n Søknad", "Re: Søknad"),
        ("=?utf-8?Q?", "=?utf-8?Q?"),
        ("=?=?=?", "=?=?=?"),
    ],
)
def test_encoded_words(written: str, meant: str) -> None:
    assert header(written) == meant


def test_raw_bytes_in_a_header() -> None:
    for raw in ("Søknad".encode(), "Søknad".encode("latin-1")):
        assert header(raw.decode("ascii", "surrogateescape")) == "Søknad"


def test_a_header_is_one_line_without_control_characters() -> None:
    assert header("a\r\n b\x00\x07c\x7f\ufeff\n\td") == "a b c d"
    assert "\n" not in header(base64.b64encode(b"x").decode() + "\r\nBcc: x@y.example")


def test_clean_text() -> None:
    text = clean("a\r\nb\rc\x00\x08\ud800e\u0301\u00a0f\u200bg\u00adh\ufeff\ue000\u2028i")
    assert text == "a\nb\nc ?é fgh\ni"
    text.encode("utf-8")
    assert not set("\r\x00\x08\ud800\ufeff\ue000\u2028") & set(text)
