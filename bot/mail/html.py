"""HTML mail → text, with the places marked where a client begins to quote.

The marks are private-use characters that the reader removes from every other text: ``QUOTE`` … ``END`` around a quotation inside the
text, ``REST`` before older mail that goes on to the end.
"""

from __future__ import annotations

import re
from html import unescape

QUOTE, END, REST = "\ue000", "\ue001", "\ue002"
MARKS = re.compile(f"[{QUOTE}{END}{REST}]")
LONGEST = 300_000  # characters of HTML that are read
DEEPEST = 150  # open elements; the converter recurses

DROPPED = re.compile(r"<!--|<(style|script|head|title|template)\b|<\?xml\b|<!\[", re.IGNORECASE)  # read to their ends, contents and all
OPENING = re.compile(r"<(?!br|hr|img|meta|link|input|col|area|base|wbr|source|o:p|/)[a-z][^<>]{0,4000}>", re.IGNORECASE)
CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,30})", re.IGNORECASE)
BLOCK_QUOTE = re.compile(r"<(/?)blockquote\b([^>]{0,1000})>", re.IGNORECASE)
# what the "indent" button of Gmail and Outlook makes of own text
INDENTED = re.compile(
    r"style\s{0,5}=(?![^>]{0,900}border-left)[^>]{0,300}margin(?:-left\s{0,3}:\s{0,3}|\s{0,3}:(?:\s{0,3}0(?:px|cm|pt|in)?){3}\s{1,3})(?:\d{2}|[1-9])",
    re.IGNORECASE,
)
CITED = re.compile(r"type\s{0,5}=|cite\s{0,5}=|class\s{0,5}=|id\s{0,5}=", re.IGNORECASE)
# containers that clients put before older mail: Gmail, Outlook web and mobile, Outlook desktop, Thunderbird, Yahoo, ProtonMail, Zimbra
BEFORE_REST = re.compile(
    r"<(?:div|hr|span|table)\b[^>]{0,500}?(?:id\s*=\s*[\"']?(?:x_)*(?:divRplyFwdMsg|appendonsend|mail-editor-reference-message-container|ms-outlook-mobile-body-separator-line|stopSpelling|OLK_SRC_BODY_SECTION|replySplit|zwchr)"
    r"|class\s*=\s*[\"']?(?:yahoo_quoted|protonmail_quote|moz-forward-container))",
    re.IGNORECASE,
)
OUTLOOK_RULE = re.compile(
    r"<div[^>]{0,60}style\s*=\s*[\"'][^\"'>]{0,60}border:\s*none;\s*border-top:\s*solid\s*#(?:E1E1E1|B5C4DF)", re.IGNORECASE
)


def declared_charset(content: bytes) -> str:
    """The charset that a page names in its first 2 KB, or ``""``."""
    match = CHARSET.search(content[:2048])
    return match[1].decode("ascii") if match else ""


def to_text(page: str) -> str:
    """Readable text of an HTML mail, tables as rows; marks stand on lines of their own. Total."""
    page = _without_unseen(page[:LONGEST])
    page = _quotations_marked(page)
    for mark in (BEFORE_REST, OUTLOOK_RULE):
        page = mark.sub(lambda match: f"<p>{REST}</p>{match[0]}", page, count=1)
    if len(OPENING.findall(page)) - page.count("</") > DEEPEST or _deepest(page) > DEEPEST:
        return _stripped(page)
    from inscriptis import get_text  # lxml behind it: only mail without a plain part needs it
    from inscriptis.css_profiles import STRICT_CSS_PROFILE
    from inscriptis.model.config import ParserConfig

    try:
        text = str(get_text(page, ParserConfig(css=STRICT_CSS_PROFILE.copy())))
    except Exception:  # lxml and inscriptis raise on pages that browsers show
        return _stripped(page)
    return _tidy(text)


def _without_unseen(page: str) -> str:
    """The page without comments, styles, scripts and head, in one pass: each is looked for once, an unclosed one loses only its tag."""
    lowered = page.lower() if len(page.lower()) == len(page) else page
    kept: list[str] = []
    at = 0
    missing: set[str] = set()
    for match in DROPPED.finditer(page):
        if match.start() < at:
            continue
        name = match[1].lower() if match[1] else ""
        closing = f"</{name}" if name else "-->" if match[0] == "<!--" else ">"
        begins = -1 if closing in missing else lowered.find(closing, match.end())
        if begins < 0:
            missing.add(closing)
            ends = match.end() if not name else lowered.find(">", match.end()) + 1 or match.end()
        else:
            ends = begins + len(closing) if not name else lowered.find(">", begins) + 1 or len(page)
        kept.append(page[at : match.start()])
        at = ends
    kept.append(page[at:])
    return " ".join(kept)


def _quotations_marked(page: str) -> str:
    """The page with a mark before and after each quotation; text that its writer only indented is no quotation."""
    open_quotes: list[bool] = []

    def mark(match: re.Match[str]) -> str:
        if match[1]:
            return f"{match[0]}<p>{END}</p>" if not open_quotes or open_quotes.pop() else match[0]
        open_quotes.append(CITED.search(match[2]) is not None or INDENTED.search(match[2]) is None)
        return f"<p>{QUOTE}</p>{match[0]}" if open_quotes[-1] else match[0]

    return BLOCK_QUOTE.sub(mark, page)


def _deepest(page: str) -> int:
    """An upper bound of how deep elements nest: opening minus closing tags, the largest on the way."""
    depth = deepest = 0
    for match in re.finditer(
        r"<(/?)(div|span|table|tbody|tr|td|blockquote|font|b|i|p|ul|ol|li|center|a|u|em|strong)\b", page, re.IGNORECASE
    ):
        depth = max(0, depth + (-1 if match[1] else 1))
        deepest = max(deepest, depth)
    return deepest


def _stripped(page: str) -> str:
    page = re.sub(r"<(?:br|/p|/div|/tr|/li|/h\d)\b[^<>]{0,200}>", "\n", page, flags=re.IGNORECASE)
    return _tidy(unescape(re.sub(r"<[^<>]{0,4000}>", " ", page)))


def _tidy(text: str) -> str:
    text = MARKS.sub(r"\n\g<0>\n", text)  # a table may have put them beside words
    lines = [re.sub(r"[ \t\u00a0]+", " ", line).strip() for line in text.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
