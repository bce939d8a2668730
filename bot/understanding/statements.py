"""Sentences in which the sender says that something is done, promised, refused or asked for.

What counts is tense and negation, not the verb: "vi har slettet" confirms, "vi skal slette", "har ikke slettet", "må vi slette?"
and "kan vi utsette slettingen" do not. Each clause of a sentence is judged by itself ("alt er slettet, men papirkopiene skal
makuleres i juni"). The patterns are short alternations without nested repetition, so time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date

from bot.mail.caseless import Caseless
from bot.model import Statement
from bot.understanding import statement_words as words
from bot.understanding.sentences import INTERROGATIVE, Sentence

# ── dates ─────────────────────────────────────────────────────────────────────────────────────────────────────

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            *(
                "jan januar january januari",
                "feb februar february februari",
                "mar mars march marts",
                "apr april",
                "mai may maj",
                "jun juni june",
                "jul juli july",
            ),
            *("aug august augusti", "sep sept september", "okt oct oktober october", "nov november", "des dec desember december"),
        ),
        1,
    )
    for name in names.split()
}
DATE = re.compile(
    r"(?<!\d)(?:(?P<d1>\d{1,2})\.\s?(?P<m1>\d{1,2})\.\s?(?P<y1>\d{4}|\d{2})(?!\d)|(?P<y2>\d{4})-(?P<m2>\d{2})-(?P<d2>\d{2})(?!\d)|"
    r"(?P<d3>\d{1,2})(?:\.|st|nd|rd|th)?\s+(?:of\s+)?(?P<m3>[a-zæøå]{3,9})\.?,?\s+(?P<y3>\d{4})|(?P<m4>[a-z]{3,9})\s+(?P<d4>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y4>\d{4}))",
    re.IGNORECASE,
)


def stated_date(sentence: str) -> date | None:
    """The first full date that a sentence states (day, month and year), in Norwegian, English or ISO form."""
    for match in DATE.finditer(sentence):
        parts = match.groupdict()
        for n in "1234":
            if parts[f"d{n}"] is None:
                continue
            raw_month, year = parts[f"m{n}"], int(parts[f"y{n}"])
            month = int(raw_month) if raw_month.isdigit() else MONTHS.get(raw_month.lower(), 0)
            try:
                return date(year + 2000 if year < 100 else year, month, int(parts[f"d{n}"]))
            except ValueError:
                continue
    return None


# ── finding ───────────────────────────────────────────────────────────────────────────────────────────────────


def find(sentences: Iterable[Sentence], where: str, *, about_deletion: bool = False) -> tuple[Statement, ...]:
    """The statements of one text. ``where``: subject, text, forwarded, or an attachment's file name.

    ``about_deletion``: what came before (the subject) was about deletion, so that "it is done" says what is done.
    """
    found: list[Statement] = []
    mishap = False  # a file went astray: what was then "removed" is not what was delivered
    for sentence in sentences:
        for judge in JUDGES:
            kind = judge(sentence)
            if kind == "deletion-done" and mishap and not words.STRONG_DELETED.search(sentence.text):
                kind = "deletion-accident"
            if kind:
                found.append(_statement(kind, sentence, where))
        mishap = mishap or words.ACCIDENT.search(sentence.text) is not None
        if about_deletion and not sentence.question and words.DONE_SO.search(sentence.text) and not words.NEGATION.search(sentence.text):
            found.append(_statement("deletion-done", sentence, where))
        about_deletion = about_deletion or words.DELETION_TOPIC.search(sentence.text) is not None
    return tuple(found)


def is_about_deletion(text: str) -> bool:
    """Whether a subject line is about deletion."""
    return words.DELETION_TOPIC.search(text) is not None


def speaks_of_deletion(text: str) -> bool:
    """Whether a text has any word by which a deletion may be told ("cleared", "no longer here"), be it about data or not."""
    return any(pattern.search(text) for pattern in (words.DELETION_TOPIC, words.DELETED, words.GONE))


def _statement(kind: str, sentence: Sentence, where: str) -> Statement:
    text = sentence.text
    if not kind.startswith("deletion"):
        return Statement(kind, text, where)
    partial = kind == "deletion-done" and words.PARTLY.search(text) is not None
    copies = None
    if kind == "deletion-done" and (match := words.COPIES.search(text)):
        copies = not words.NEGATION.search(text[max(0, match.start() - 30) : match.end() + 30])
    return Statement(kind, text, where, partial=partial, copies=copies, date=stated_date(text) if kind == "deletion-done" else None)


def deletion(sentence: Sentence) -> str:
    """What a sentence says of deletion, by its clauses: a completed one wins, then what speaks against it."""
    text = sentence.text
    if not (words.DELETION_TOPIC.search(text) or words.DELETED.search(text) or words.GONE.search(text)):
        return ""
    verdicts = [_clause(clause, sentence) for clause in _clauses(text)]
    for kind in ("deletion-accident", "deletion-done", "deletion-postponed", "deletion-negated", "deletion-promised", "deletion-question"):
        if kind in verdicts:
            return kind
    return ""


def _clauses(text: str) -> list[str]:
    """The clauses of a sentence; one without a verb of deletion stays with the one before it."""
    pieces = [piece for piece in words.CLAUSE.split(text) if piece.strip()]
    clauses: list[str] = []
    for piece in pieces:
        if (clauses and not (words.DELETION_TOPIC.search(piece) or words.GONE.search(piece))) or (
            clauses and not (words.DELETION_TOPIC.search(clauses[-1]) or words.GONE.search(clauses[-1]))
        ):
            clauses[-1] += ", " + piece
        else:
            clauses.append(piece)
    return clauses


def _clause(clause: str, sentence: Sentence) -> str:
    done = _done_at(clause)
    asked = sentence.question and ("?" in sentence.text or INTERROGATIVE.match(sentence.text) is not None)
    if asked and not (done is not None and words.REPORTS.search(clause[:done]) and "register" in clause.lower()):
        return "deletion-postponed" if words.POSTPONE.search(clause) else "deletion-question"
    if done is None:
        return _not_done(clause)
    if words.ACCIDENT.search(clause):
        return "deletion-accident"
    before = _governing(clause[:done])
    if _negated(before, clause, done):
        return "deletion-negated"
    if words.CONDITION.search(before):
        return "deletion-promised"
    future = _last_end(words.FUTURE, before)
    if future >= 0 and _last_end(words.ANTERIOR, before) < future and not _perfect_future(before, future):
        return "deletion-promised"
    return "deletion-done"


def _governing(before: str) -> str:
    """The words that bear on the participle: after "vi bekrefter at", else after the last comma or "så"."""
    reports = [match for match in words.REPORTS.finditer(before)]
    if reports:
        promise = before[: reports[-1].start()]
        if not re.search(
            r"\b(?:når|as soon as|once|så snart|innen|before|later|senere|seinare|ikke|ikkje|not|cannot|kommer tilbake|kjem attende)\b[^,]*$",
            promise,
            re.IGNORECASE,
        ):
            return before[reports[-1].end() :]
    return re.split(r",\s|:\s|\bså\b|\bso\b|\band has\b|\bog har\b|\bog (?:ble|blei|vart|er)\b|\band (?:was|were|are|is)\b", before)[-1]


def _done_at(clause: str) -> int | None:
    """Where a completed deletion of something like data begins, or None."""
    for match in words.DELETED.finditer(clause):
        strong = words.STRONG_DELETED.match(match.group()) is not None
        if words.NOT_OURS.search(clause) and not re.search(
            r"\b(?:data\w*|fil(?:er|ene)|files?|opplysning\w*|\w*kopi\w*)\b", clause, re.IGNORECASE
        ):
            continue
        if not strong and words.WITHOUT.search(clause[: match.end()]):
            continue
        if strong or words.THINGS.search(clause):
            return match.start()
    paper = words.DELETION_PAPER.search(clause)
    if paper and re.search(
        r"\b(?:vedl(?:agt|egg|agd)\w*|legg\w* ved|ligger ved|ligg ved|følger|følgjer|fylgjer|attached|enclosed|herewith|please find|her er|her kjem|her kommer|here is|signert|signed|utført|sender|sending)\b|_",
        clause,
        re.IGNORECASE,
    ):
        return paper.end()
    match2 = words.DELETION_DONE.search(clause)
    if match2 and not re.search(
        r"\b(?:ber\w* om|krav\w* om|må|skal|kan|must|shall|should|have to|bør|hvordan|korleis|how|request\w*|need\w*|asking|ask for|requires?|kravet|mal\b|reminder|påminn\w*|purr\w*|asked (?:us )?to|template|skjema for|form for|ikke|ikkje|not)\b",
        words.SAYS.sub("", clause[: match2.end()]),
        re.IGNORECASE,
    ):
        return match2.end()
    return _gone_at(clause)


def _gone_at(clause: str) -> int | None:
    """Where data are said to be there no more, or None; files that somebody cannot find or fetch are wanted, not deleted."""
    gone = words.GONE.search(clause)
    if gone is None or words.BODY_GONE.search(clause) or not words.THINGS.search(clause):
        return None
    if not re.search(
        r"\b(?:data\w*|\w*fil\w*|material\w*|opplysning\w*|files?|copies|copy|\w*kopi\w*|records?|microdata|mikrodata)\b",
        clause,
        re.IGNORECASE,
    ):
        return None
    if re.search(
        r"\b(?:trenger|treng|need\w*|åpn\w*|open\w*|access\w*|bruk\w*|use[sd]?|virker|verkar|finner|finn|(?:ned|opp)last\w*|(?:down|up)load\w*|overføring\w*|transfer\w*|portal\w*|lenk\w*|link\w*)\b",
        clause,
        re.IGNORECASE,
    ):
        return None
    return gone.end()


def _negated(before: str, clause: str, done: int) -> bool:
    """Whether the completed deed is denied: a negation before it, or right after it ("er slettet ikke")."""
    if words.GONE.search(clause) is None and words.NEGATION.search(before[-70:]):
        return True
    return re.match(r"\S+\s+(?:vi |jeg |eg )?(?:ikke|ikkje|not)\b", clause[done:]) is not None


def _perfect_future(before: str, future: int) -> bool:
    """ "skal nå være slettet", "kan bekrefte at … er slettet", "will have been", "må meddele at": the deed itself is done."""
    rest = before[future:]
    return (
        re.search(
            r"\b(?:være|vere|vera|ha|have been|bekreft\w*|stadfest\w*|confirm\w*|melde|meddel\w*|opplyse|inform\w*|report|si|seie|tell|add|document)\b",
            rest,
            re.IGNORECASE,
        )
        is not None
    )


def _last_end(pattern: Caseless, text: str) -> int:
    return max((match.end() for match in pattern.finditer(text)), default=-1)


def _not_done(clause: str) -> str:
    if words.POSTPONE.search(clause):
        return "deletion-postponed"
    if not words.DELETION_TOPIC.search(clause):
        return ""
    if words.NEGATION.search(clause) or re.search(r"\b(?:gjenstår|remains to|står igjen)\b", clause, re.IGNORECASE):
        return "deletion-negated"
    if words.FUTURE.search(clause) or (words.DELETES.search(clause) and words.CONDITION.search(clause)):
        return "deletion-promised"
    return ""


def offer(sentence: Sentence) -> str:
    """Whether an offer is accepted in words, returned signed, refused, or wanted otherwise."""
    text = sentence.text
    if not (words.OFFER_STEMS.search(text) and words.OFFER.search(text)):
        returned = words.SIGNED.search(text) and words.RETURNED.search(text) and not words.APPLICATION.search(text)
        return "offer-returned" if returned and not sentence.question else ""
    if words.REFUSED.search(text):
        return "offer-refused"
    if sentence.question and not (words.SIGNED.search(text) and words.HANDED_OVER.search(text)):
        return "offer-question"
    conditional = re.search(
        r"\b(?:hvis|viss|dersom|om (?:vi|dere|de)|if|unless|før (?:vi|jeg|eg) (?:kan|signer|aksepter|godtar|takk)|before (?:we|i) (?:can|sign|accept)|forutsatt|under forutsetning|provided that|på vilkår)\b",
        text,
        re.IGNORECASE,
    )
    if (
        words.WANTS_CHANGE.search(text)
        and (conditional or not words.SIGNED.search(text))
        and not re.search(r"\b(?:uten endring\w*|utan endring\w*|without (?:any )?changes?)\b", text, re.IGNORECASE)
    ):
        return "offer-change"
    if _unfinished(text):
        return "offer-promised"
    if words.SIGNED.search(words.TO_SIGN.sub(" ", text)) and (
        words.RETURNED.search(text) or re.search(r"\b(?:er|har|is|has|have|nå|now)\b", text, re.IGNORECASE)
    ):
        return "offer-returned"
    if words.ACCEPTED.search(text) and not conditional:
        return "offer-accepted"
    return ""


def _unfinished(text: str) -> bool:
    """The acceptance is denied or still to come: "ikke signert ennå", "vil bli signert i morgen"."""
    for match in (*words.ACCEPTED.finditer(text), *words.SIGNED.finditer(text)):
        before = text[max(0, match.start() - 45) : match.start()]
        if words.NEGATION.search(before):
            return True
        if re.search(
            r"\b(?:skal|vil bli|blir|vert|kommer til å|må|bør|få|get|will be|to be|going to|must|should|awaiting|venter på|ventar på|until|waiting|inntil)\b[^.?!]{0,25}$",
            before,
            re.IGNORECASE,
        ):
            return True
    return False


def application(sentence: Sentence) -> str:
    """Whether an application is handed in: new, change, or for approval of an institution."""
    text = sentence.text
    asked = sentence.question and ("?" in text or INTERROGATIVE.match(text) is not None)
    if asked or words.LATER.search(text):
        return ""
    if not (words.HANDED_IN.search(text) and (words.APPLICATION.search(text) or words.INSTITUTION.search(text))):
        return ""
    if re.search(
        r"\b(?:svar på søknad\w*|søknaden (?:vår|min|som)\b[^.?!]{0,40}(?:sendte|leverte|er til behandling|ligger)|our application (?:of|from|submitted|dated)|status)\b",
        text,
        re.IGNORECASE,
    ):
        return "application-mentioned"
    if words.ALREADY_IN.search(text):
        return "application-supplement"
    if words.CHANGE_APPLICATION.search(text):
        return "change-application"
    if words.INSTITUTION.search(text):
        return "institution-application"
    return "application"


def _by(pattern: Caseless, kind: str) -> Callable[[Sentence], str]:
    return lambda sentence: kind if pattern.search(sentence.text) else ""


JUDGES: tuple[Callable[[Sentence], str], ...] = (
    deletion,
    offer,
    application,
    _by(words.ACCESS_REQUEST, "access-request"),
    _by(words.DATA_SUBJECT, "data-subject-request"),
    _by(words.COMPLAINT, "complaint"),
    _by(words.STATUS, "status-question"),
    lambda sentence: "thanks" if words.THANKS_ONLY.match(sentence.text) else "",
)


FEW = 8  # words of a sentence beside the thanks that wants nothing ("then I know what I need")


def is_thanks_only(sentences: list[Sentence]) -> bool:
    """A thank-you that needs nobody: short, every sentence thanks or wishes, nothing is asked."""
    if not sentences or any(sentence.question for sentence in sentences) or sum(len(s.text.split()) for s in sentences) > 45:
        return False
    thanked = any(
        words.THANKS.search(sentence.text) or words.THANKS_ONLY.match(sentence.text) for sentence in sentences
    )  # "see below" is few words too
    return thanked and (
        all(words.THANKS.search(sentence.text) or len(sentence.text.split()) <= 3 for sentence in sentences)
        or (
            words.THANKS_ONLY.match(sentences[0].text) is not None
            and len(sentences) <= 3
            and not any(s.text.endswith(":") or len(s.text.split()) > FEW for s in sentences[1:])
        )
    )
