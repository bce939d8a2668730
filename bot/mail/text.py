"""Bytes → text: charsets that lie, header words (RFC 2047), and text without what no text may hold."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import unicodedata

# names that mail carries for a charset that Python knows under another name, and the supersets that senders mean
# (WHATWG Encoding Standard § 4.2: iso-8859-1 and us-ascii mean windows-1252)
ALIASES = {
    "iso-8859-1": "cp1252", "iso8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252",
    "ansi_x3.4-1968": "cp1252", "ansi_x3.4-1986": "cp1252", "windows-1252": "cp1252", "x-ansi": "cp1252", "ansi": "cp1252",
    "iso-8859-9": "cp1254", "iso-8859-8-i": "iso8859-8", "iso-8859-8-e": "iso8859-8", "ks_c_5601-1987": "cp949", "ks_c_5601": "cp949",
    "euc-kr": "cp949", "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "chinesebig5": "big5", "big5": "cp950",
    "windows-31j": "cp932", "shift_jis": "cp932", "shift-jis": "cp932", "x-sjis": "cp932", "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman", "x-macroman": "mac_roman", "unicode-1-1-utf-7": "utf-7", "unicode-1-1-utf-8": "utf-8", "utf8": "utf-8",
    "utf8mb4": "utf-8", "utf-8-mac": "utf-8", "cp-850": "cp850", "unicode": "utf-16", "iso-10646-ucs-2": "utf-16-be", "sv_iso8859-1": "cp1252",
    "ns_4551-1": "cp1252", "dk-no": "cp1252", "x-mac-cyrillic": "mac_cyrillic", "windows-874": "cp874", "dos-874": "cp874",
    "iso-8859-11": "cp874", "x-euc-jp": "euc_jp", "x-windows-949": "cp949", "x-windows-950": "cp950", "x-cp1251": "cp1251", "cesu-8": "utf-8",
}  # fmt: skip
# codecs that are no charset of a mail: they run code, change the length without bound, or always fail
NOT_TEXT = frozenset(
    {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "unicode_escape", "raw_unicode_escape", "mbcs"}
)
ENCODED_WORD = re.compile(r"=\?([^\s?*]{1,40})(?:\*[^\s?]{0,20})?\?([bBqQ])\?([^?\n]{0,4000}|[^\n]{0,400}?)\?=")
HEADER_LENGTH = 16_000  # characters of one header value; the longest References of a real thread is far below
CONTROLS = {code: " " for code in range(32)} | {code: None for code in (0x00, 0x7F, 0xFEFF, 0xE000, 0xE001, 0xE002)}
LINES_KEPT = {key: value for key, value in CONTROLS.items() if key not in (9, 10)}
TO_CLEAN = re.compile(f"[{re.escape(''.join(map(chr, LINES_KEPT)))}]")
MOJIBAKE = re.compile("Ã[\x80-\xbf¥¦¸…˜†€„‰–¤¶©¨¼]|â€[™œ“”˜¦\x9d]")


def codec_of(charset: str) -> str | None:
    """Python's codec for a charset name as mail gives it, or None where it is no charset that we know."""
    name = charset.strip().strip("\"'").lower()
    name = ALIASES.get(name, name)
    if not name or len(name) > 40 or not name.isascii() or name in NOT_TEXT:
        return None
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    return found.name if getattr(found, "_is_text_encoding", True) and found.name not in NOT_TEXT else None


def decode(content: bytes, charset: str = "") -> tuple[str, str]:
    """Text of bytes, and what was wrong (``""``, charset-unknown, charset-wrong); never raises.

    The order: UTF-8 where the bytes are valid UTF-8 beyond ASCII, whatever was declared (no other charset's words come out so by chance);
    the declared charset; UTF-8 with some other bytes between; what the letters' frequencies say; windows-1252.
    """
    codec = codec_of(charset) if charset else "utf-8"
    flaw = "charset-unknown" if codec is None else "charset-wrong"
    if codec is None or not codec.startswith(("utf-16", "utf-32", "utf-7", "iso2022", "hz")):
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            if codec == "utf-8" or text.isascii():
                return text, ""
            return text, flaw
    if codec is not None and codec != "utf-8" and not (codec == "cp1252" and _is_mac_roman(content)):
        try:
            return content.decode(codec), ""
        except (UnicodeError, ValueError):
            pass
    return _guessed(content, codec), flaw


SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
CUT_SEQUENCE = re.compile(rb"(?:[\xc2-\xf4]|[\xe0-\xf4][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{2})$")


def _guessed(content: bytes, codec: str | None) -> str:
    """Text of bytes that are not in the charset they claim, or claim none."""
    if b"\x00" in content:
        return content.decode("utf-8", "replace")
    sequences = len(SEQUENCE.findall(content))
    others = sum(byte > 127 for byte in SEQUENCE.sub(b"", content))
    if sequences and (codec == "utf-8" or sequences >= others):
        try:
            text = content.decode("utf-8", "surrogatepass")  # surrogates written one by one (CESU-8)
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeError:
            cut = CUT_SEQUENCE.search(content)
            if cut is not None and others == len(cut[0]):
                content = content[: cut.start()]
            return content.decode("utf-8", "mail.windows-1252")
    if _is_mac_roman(content):
        return content.decode("mac_roman")
    return _in_another_script(content) or content.decode("cp1252", "replace")


def _windows_1252(error: UnicodeError) -> tuple[str, int]:
    """For ``codecs``: a byte that is no UTF-8 is read as windows-1252, its neighbours stay UTF-8."""
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("mail.windows-1252", _windows_1252)


def _is_mac_roman(content: bytes) -> bool:
    """Norwegian letters of an old Macintosh inside words (ø and æ are "¿" and "¾" elsewhere), and none of windows-1252's."""
    return re.search(rb"[A-Za-z][\xbf\xbe][a-z]", content) is not None and re.search(rb"[\xe5\xe6\xf8]", content) is None


def _in_another_script(content: bytes) -> str:
    """Undeclared Russian (KOI8-R has its small letters where windows-1251 has its capitals) or Chinese; ``""`` for Latin letters."""
    small, high = len(re.findall(rb"[A-Za-z]", content)), sum(byte > 0xBF for byte in content)
    if high <= small:
        return ""
    try:
        chinese = content.decode("gb18030")
    except UnicodeError:
        chinese = ""
    letters = [letter for letter in chinese if letter > "\x7f"]
    if letters and sum(
        "\u4e00" <= letter <= "\u9fa5" or "\u3000" <= letter <= "\u303f" or letter >= "\uff00" for letter in letters
    ) > 0.97 * len(letters):
        common = sum(content.count(pair) for pair in COMMON_CHINESE)
        if common * 40 > len(letters):
            return chinese
    lower = sum(byte >= 0xE0 for byte in content)
    return content.decode("koi8-r" if lower * 2 < high else "cp1251", "replace")


COMMON_CHINESE = tuple(letter.encode("gb2312") for letter in "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年")


def clean(text: str) -> str:
    """Text with ``\\n`` as its only line end, without control characters, lone surrogates and byte order marks; NFC."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii() or TO_CLEAN.search(text):  # beyond ASCII, to look first is ten times as fast
        text = text.translate(LINES_KEPT)
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
        text = unicodedata.normalize("NFC", text.replace("\u00a0", " ").replace("\u200b", "").replace("\u00ad", "").replace("\u2028", "\n"))
    return text


def unscramble(text: str) -> str:
    """UTF-8 that was read as windows-1252 and written again ("sÃ¸knad"), put right; other text unchanged."""
    for _ in range(3):  # each relay that misread it once more
        if not MOJIBAKE.search(text):
            break
        try:
            text = b"".join(_single(letter) for letter in text).decode("utf-8")
        except UnicodeError:
            break
    return text


def _single(letter: str) -> bytes:
    """The byte that was misread: windows-1252, or Latin-1 for the five it leaves out."""
    try:
        return letter.encode("cp1252")
    except UnicodeEncodeError:
        return letter.encode("latin-1")


def header(value: str) -> str:
    """A header value as ``compat32`` gives it (folded, raw bytes as surrogates) → one line of text. Never raises.

    Encoded words (RFC 2047) are decoded also where the RFC forbids them but mail has them: inside quotation marks, glued together,
    with blanks, split in the middle of a character. Raw bytes are UTF-8 or else windows-1252.
    """
    value = value[:HEADER_LENGTH]
    if not value.isascii():
        value = _raw(value)
    if "\r" in value or "\n" in value:
        value = re.sub(r"\r\n?|\n", "", re.sub(r"[ \t]*(?:(?:\r\n?|\n)[ \t]+)+", " ", value))
    if "\x1b$" in value or "\x1b(" in value:
        value = _japanese(value)
    if "=?" in value:
        value = _words(value)
        if value.startswith("=?"):
            value = _words(value)  # encoded twice
    if not value.isprintable():
        value = value.translate(CONTROLS)
    if not value.isascii():
        value = unicodedata.normalize("NFC", value.encode("utf-8", "replace").decode("utf-8"))
    return value.strip()


def _japanese(value: str) -> str:
    """ISO-2022-JP written into a header as it stands (RFC 1468)."""
    try:
        return value.encode("ascii").decode("iso2022_jp")
    except UnicodeError:
        return value


def _raw(value: str) -> str:
    try:
        return decode(value.encode("ascii", "surrogateescape"))[0]
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace").decode("utf-8")


def _words(value: str) -> str:
    """Encoded words decoded; neighbours of the same charset are joined before decoding, blanks between neighbours go."""
    out: list[str] = []
    pending: tuple[str, bytearray] | None = None
    at = 0

    def flush() -> None:
        nonlocal pending
        if pending is not None:
            out.append(unscramble(decode(bytes(pending[1]), pending[0])[0]))
            pending = None

    for match in ENCODED_WORD.finditer(value):
        between = value[at : match.start()]
        if pending is None or between.strip(" \t"):
            flush()
            out.append(between)
        charset, content = match[1].lower(), _word(match[2], match[3])
        if pending is not None and pending[0] == charset:
            pending[1].extend(content)
        else:
            flush()
            pending = (charset, bytearray(content))
        at = match.end()
    flush()
    out.append(value[at:])
    return "".join(out)


def _word(encoding: str, text: str) -> bytes:
    if encoding in "qQ":
        return binascii.a2b_qp(text.replace(" ", "_").encode("utf-8", "replace"), header=True)
    letters = re.sub(r"[^A-Za-z0-9+/]", "", text)
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4))
    except ValueError:
        return base64.b64decode(letters[: len(letters) // 4 * 4] or "")
