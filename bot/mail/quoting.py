"""The sender's own new text, apart from quoted mail, forwarded mail and signature.

Every line of the text gets one label; nothing is lost, the four texts together hold every line. The rules are those of the clients
that people use (Outlook on desktop, web and telephone; Gmail, Apple Mail, Thunderbird, Notes), in Norwegian, Danish, Swedish,
German and English.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.mail import quoting_words as words
from bot.mail.html import END, QUOTE, REST

LINES = 4000  # lines that are looked at one by one; what follows belongs to the part that line 4000 belongs to
SIGNATURE_LINES = 14  # with words on them
FOOTER_LINES = 80  # looked at beneath a leave-taking, blank ones among them


@dataclass(frozen=True, slots=True)
class Parts:
    """A text apart; every line of it stands in one of the four, in order."""

    own: str
    quoted: str
    forwarded: str
    signature: str


def split(text: str, subject: str = "", sender: str = "") -> Parts:
    """The parts of a mail's text. ``subject`` tells a forward ("VS:", "Fwd:") from a reply where the client marks both the same;
    ``sender`` is the display name, by which a bare name under the text is told."""
    lines = text.split("\n")
    head, tail = lines[:LINES], lines[LINES:]
    labels = _quotes(head, words.FORWARD_SUBJECT.match(subject) is not None)
    _signatures(head, labels, name_words(sender))
    labels += [labels[-1] if labels else "O"] * len(tail)
    return Parts(*(_joined(lines, labels, label) for label in "OQFS"))


def _joined(lines: list[str], labels: list[str], label: str) -> str:
    kept = [line for line, own in zip(lines, labels, strict=True) if own == label and line not in (QUOTE, END, REST)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def unmarked(text: str) -> str:
    """A text without the marks of the HTML reader."""
    return re.sub(r"\n{3,}", "\n\n", re.sub(f"[{QUOTE}{END}{REST}]", "", text)).strip()


# ── quoted and forwarded ──────────────────────────────────────────────────────────────────────────────────────


def _quotes(lines: list[str], forward: bool) -> list[str]:
    """A label per line: O own, Q quoted, F forwarded. A ``>`` quotation ends where it ends; older mail goes on to the end."""
    labels = ["O"] * len(lines)
    depth, number = 0, 0
    while number < len(lines):
        line = lines[number]
        if line == QUOTE:
            depth += 1
        if depth or words.QUOTED_LINE.match(line):
            labels[number] = "Q"
        if line == END:
            depth = max(0, depth - 1)
            labels[number] = "Q"
        elif not depth and labels[number] == "O":
            kind, length = _begins(lines, number, forward)
            if kind == "attribution":
                labels[number : number + length] = ["Q"] * length
                number += length
                if not _quotation_follows(lines, number):
                    return _rest(labels, number, "Q")
                continue
            if kind and (begins := _marked_quotation(lines, number)):
                labels[number:begins] = [kind] * (begins - number)
                number = begins
                continue
            if kind:
                return _rest(labels, number, kind)
        number += 1
    return labels


def _rest(labels: list[str], number: int, label: str) -> list[str]:
    labels[number:] = [label] * (len(labels) - number)
    return labels


def _begins(lines: list[str], number: int, forward: bool) -> tuple[str, int]:
    """What begins in this line: F or Q to the end, an attribution over so many lines, or nothing."""
    line = lines[number]
    older = "F" if forward else "Q"
    if line == REST:
        return older, 1
    if not line.strip() or len(line) > 500:
        return "", 0
    if words.FORWARD.match(line):
        return "F", 1
    if words.SEPARATOR.match(line) or words.MESSAGE_FROM.match(line) or words.NOTES.match(line) or words.ATTRIBUTION_RUNS_ON.match(line):
        return older, 1
    if words.NOTES_NAME.match(line) and _notes_block(lines, number):
        return older, 1
    if words.ANY_SEPARATOR.match(line) and _header_block(lines, number + 1):
        return older, 1
    if words.RULE.match(line) and _header_block(lines, number + 1):
        return older, 1
    if words.HEADER_FROM.match(line) and _header_block(lines, number):
        return older, 1
    length = _attribution(lines, number)
    return ("attribution", length) if length else ("", 0)


def _marked_quotation(lines: list[str], number: int) -> int:
    """Where a header block is followed by lines marked with ``>``: own answers may stand between them. 0 where it is not."""
    for at in range(number, min(number + 16, len(lines))):
        if words.QUOTED_LINE.match(lines[at]):
            return at
        if lines[at].strip() and not (
            words.HEADER_FROM.match(lines[at])
            or words.HEADER_FIELD.match(lines[at])
            or words.SEPARATOR.match(lines[at])
            or words.RULE.match(lines[at])
        ):
            return 0
    return 0


def _header_block(lines: list[str], number: int) -> bool:
    """``From:`` and at least two more header fields in the next lines (blank lines between them allowed, as HTML makes them)."""
    near = [line for line in lines[number : number + 14] if line.strip() and line not in (QUOTE, END, REST)][:7]
    if not near or not words.HEADER_FROM.match(near[0]):
        return False
    return len({match.lastgroup for line in near[1:] if (match := words.HEADER_FIELD.match(line))}) >= 2


def _notes_block(lines: list[str], number: int) -> bool:
    """A name, a date, and two bare field names in the lines below."""
    near = [line for line in lines[number + 1 : number + 16] if line.strip()]
    return bool(near) and words.NOTES_DATE.match(near[0]) is not None and sum(bool(words.NOTES_FIELD.match(line)) for line in near) >= 2


def _attribution(lines: list[str], number: int) -> int:
    """How many lines an attribution takes, 0 where none begins: clients fold them into two or three."""
    line = lines[number]
    if _attributes(line) or words.ATTRIBUTION_NAME.match(line):
        return 1 if not words.SENTENCE_LIKE.match(line) else 0
    if words.QUOTING.match(line) and _quotation_follows(lines, number + 1):
        return 1
    if not words.ATTRIBUTION_START.match(line):
        return 0
    for length in (2, 3):
        piece = lines[number : number + length]
        if len(piece) == length and all(part.strip() for part in piece) and _attributes(" ".join(piece)):
            return length if not words.SENTENCE_LIKE.match(" ".join(piece)) else 0
    return 0


def _attributes(line: str) -> bool:
    """Somebody wrote, on some day or at some address; or a date, a name and an address without the verb."""
    return bool(words.ATTRIBUTION.match(line) or (words.ATTRIBUTION_BARE.match(line) and words.ADDRESS_AT_END.match(line)))


def _quotation_follows(lines: list[str], number: int) -> bool:
    """Whether the text after an attribution is marked line by line, so that own text may follow it."""
    following = [line for line in lines[number:] if line.strip()]
    return bool(following) and (following[0] == QUOTE or words.QUOTED_LINE.match(following[0]) is not None)


# ── signature and disclaimer ──────────────────────────────────────────────────────────────────────────────────


def _signatures(lines: list[str], labels: list[str], names: frozenset[str]) -> None:
    """Relabel signature lines of the own text with S; a postscript stays the sender's own."""
    own = [number for number, label in enumerate(labels) if label == "O"]
    banner = False
    for number in own[:6]:
        if words.BANNER.match(lines[number]) or (banner and words.RULE.match(lines[number])):
            labels[number], banner = "S", True
    own = [number for number in own if labels[number] == "O"]
    for start, end in _runs(own):
        _signature_of(lines, labels, start, end, names)


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Stretches of consecutive numbers as (first, one past the last)."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number:
            runs[-1] = (runs[-1][0], number + 1)
        else:
            runs.append((number, number + 1))
    return runs


def _signature_of(lines: list[str], labels: list[str], start: int, end: int, names: frozenset[str]) -> None:
    """The signature of one stretch of own text: from a delimiter, a disclaimer or a leave-taking on."""
    begin = end
    for number in range(start, end):
        line = lines[number]
        if words.DISCLAIMER.match(line) or (words.CLIENT.match(line) and not _is_sentence(line)):
            labels[number] = "S"
            if words.DISCLAIMER.match(line):
                begin = _above(lines, start, number)
                break
        elif (
            (words.DELIMITER.match(line) and number > 0)
            or (_takes_leave(line, lines[start:number]) and _is_signature(lines[number + 1 : min(end, number + FOOTER_LINES)]))
            or (words.LINE.match(line) and number > start and _is_signature(lines[number + 1 : min(end, number + FOOTER_LINES)]))
            or (
                names
                and number > start
                and _is_name(line, names)
                and _is_signature(lines[number + 1 : min(end, number + FOOTER_LINES)])
                and not _listed(lines, start, number)
            )
        ):
            begin = number
            break
    for number in range(begin, end):
        if words.POSTSCRIPT.match(lines[number]):
            _postscript(lines, labels, number, end)
            break
        labels[number] = "S"


def _above(lines: list[str], start: int, number: int) -> int:
    """The first of the blank and ruled lines above a footer."""
    while number > start and (not lines[number - 1].strip() or words.RULE.match(lines[number - 1])):
        number -= 1
    return number


def _listed(lines: list[str], start: int, number: int) -> bool:
    """Whether the text above announces a list, in which the sender's own name may stand too."""
    said = [line for line in lines[start:number] if line.strip()]
    return bool(said) and said[-1].rstrip().endswith(":")


def _takes_leave(line: str, before: list[str]) -> bool:
    """A line that says goodbye. A "thanks" closes a mail that said something; alone, or with a sentence after it, it is the mail."""
    if "?" in line:
        return False
    if words.SHORT_VALEDICTION.match(line) or (words.ON_BEHALF.match(line) and not words.SAYS.search(line)):
        return True
    if not words.VALEDICTION.match(line):
        return False
    if (thanks := words.THANKS.match(line)) is None:
        return True
    return sum(len(said.split()) for said in before) >= 6 and not words.SAYS.search(line, thanks.end())


def name_words(name: str) -> frozenset[str]:
    """The words of a display name in lower case, and their first letters as initials."""
    parts = [part.lower() for part in re.findall(r"[^\W\d_]+", name)]
    initials = "".join(part[0] for part in parts)
    return frozenset({*parts, *(part[0] for part in parts), *({initials, initials[:1] + initials[-1:]} if len(parts) > 1 else set())})


def _is_name(line: str, names: frozenset[str]) -> bool:
    """A line that holds nothing but words of the sender's name; a title, place or number may follow a comma or bar."""
    told = re.split(r"[,|/(–]| - ", line.lstrip(" -–—/*~"), maxsplit=1)[0].strip()
    parts = [part.lower() for part in re.findall(r"[^\W\d_]+", told)]
    if not 0 < len(parts) <= 5 or re.search(r"[\d:?!;]", told):
        return False
    known = [part for part in parts if part in names]
    # a display name may be shorter than the name under the text ("Postma" – "Jelle Postma")
    return len(known) == len(parts) or (len(parts) <= 3 and any(len(part) > 3 for part in known) and told == told.title())


def _postscript(lines: list[str], labels: list[str], start: int, end: int) -> None:
    """A postscript is own text to its next blank line; what follows it is signature again."""
    for number in range(start, end):
        if not lines[number].strip():
            labels[number:end] = ["S"] * (end - number)
            return


def _is_signature(lines: list[str]) -> bool:
    """Name, title, place and numbers: few lines, none that says or asks something."""
    told = (line for line in lines if line.strip() and not words.CLIENT.match(line))
    contacts, mottoes = 0, 0
    for number, line in enumerate(told):
        if words.DISCLAIMER.match(line) or words.DELIMITER.match(line) or words.POSTSCRIPT.match(line) or words.RULE.match(line):
            return True
        if number >= SIGNATURE_LINES:
            return False
        if len(line.split()) > 16 or "?" in line:
            return False
        if words.CONTACT.search(line):
            contacts += 1
        elif _is_sentence(line):
            mottoes += 1  # beneath title and number an organisation says what it lives for; nobody is spoken to
            if not contacts or mottoes > 2 or words.ADDRESSES_US.search(line):
                return False
    return True


def _is_sentence(line: str) -> bool:
    """A person or a verb, something after it, and a full stop."""
    verb = words.VERB.search(line)
    return verb is not None and line.rstrip()[-1:] in (".", "!") and re.search(r"\w", line[verb.end() :]) is not None
