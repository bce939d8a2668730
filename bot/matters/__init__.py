"""Rules of the domain: from facts to findings. Pure; nothing here decides with legal effect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.matters import application, case, deletion, misdirected, offer
from bot.matters.trust import is_contact, trust
from bot.model import Case, Category, Examined, Findings, Message, Past, Reason, Trust, Understanding


@dataclass(frozen=True, slots=True)
class MattersRules:
    """What the rules need to know of the configuration."""

    offer_days: int = 14  # calendar days to answer an offer, where the register has no date (ssb.no: "innen to uker")
    colleagues: tuple[str, ...] = ()  # our own people's domains and addresses
    services: tuple[str, ...] = ()  # others that mail may be meant for: the keys of routing.misdirected


def find(message: Message, examined: Examined, understanding: Understanding, past: Past, now: datetime, rules: MattersRules) -> Findings:
    """What the rules say of one mail. ``now`` is the time that it counts as received at: that of its arrival, not of its handling."""
    if message.automatic is not None:
        return Findings(trust=trust(message.sender, understanding.authentication, None))
    match, suggestions, reasons = case.match(message, understanding, past, rules.colleagues)
    matched = past.case(match.case_ref) if match is not None else None
    level = trust(message.sender, understanding.authentication, matched)
    deletions = deletion.entries(message, understanding, past)
    returned = offer.entry(message, understanding, examined, match, past, now, rules.offer_days)
    handed_in = application.entry(message, understanding, examined, past, match.case_ref if match is not None and match.certain else "")
    elsewhere = misdirected.find(message, understanding, past, rules.services)
    found = [*reasons, *((Reason.MISDIRECTED,) if elsewhere is not None else ())]
    for entry in (*deletions, returned, handed_in):
        found += entry.why if entry is not None else ()
    if level is Trust.UNVERIFIED and (deletions or returned or match):
        found.append(Reason.UNVERIFIED)
    return Findings(
        trust=level,
        match=match,
        suggestions=suggestions,
        deletions=deletions,
        offer=returned,
        application=handed_in,
        misdirected=elsewhere.service if elsewhere is not None else "",
        misdirected_sure=elsewhere is not None and elsewhere.sure,
        status_case=_status_case(message, understanding, past, matched, level),
        reasons=tuple(dict.fromkeys(found)),
    )


def _status_case(message: Message, understanding: Understanding, past: Past, matched: Case | None, level: Trust) -> str:
    """The case whose status may be told: asked for by a verified contact of exactly one matching case."""
    if understanding.category not in (Category.CASE, Category.OTHER) or len(understanding.case_refs) > 1:
        return ""
    if not any(statement.kind == "status-question" for statement in understanding.statements):
        return ""
    if matched is not None:
        return matched.case_ref if level is Trust.SENDER else ""
    own = [candidate for candidate in past.sender_cases if is_contact(message.sender, candidate)]
    if len(own) != 1 or understanding.case_refs:
        return ""
    return own[0].case_ref if trust(message.sender, understanding.authentication, own[0]) is Trust.SENDER else ""
