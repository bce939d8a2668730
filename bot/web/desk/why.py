"""The explanation of a mail's way, from the evidence that was kept with it: sorted for a reader, nothing left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.knowledge import Knowledge
from bot.model import Language


@dataclass(frozen=True, slots=True)
class Near:
    """A curated example that spoke for or against; ``topic`` names its topic, or the kind of question that must not be answered."""

    topic: str
    title: str
    text: str
    weight: float
    supports: bool


@dataclass(frozen=True, slots=True)
class Why:
    """What was understood, and what it rests on."""

    category: str
    confidence: float
    chances: tuple[tuple[str, float], ...]
    topic: str
    topic_title: str
    topic_confidence: float
    threshold: float | None
    alternatives: tuple[tuple[str, str, float], ...]  # id, title, confidence
    answered: bool
    reasons: tuple[str, ...]
    statements: tuple[dict[str, Any], ...]
    asked: str
    near: tuple[Near, ...]
    refs: tuple[str, ...]
    ambiguous: tuple[str, ...]
    match: dict[str, Any] | None
    suggestions: tuple[str, ...]
    trust: str
    authentication: str
    dmarc: str
    rules: tuple[str, ...]
    technical: tuple[tuple[str, str], ...]  # kind, text


def why(row: dict[str, Any], knowledge: Knowledge, language: Language) -> Why:
    """The explanation of a mail as ``Tx.desk_mail`` gives it; a mail that was never understood has an empty one."""
    understanding, decision, findings = row["understanding"], row["decision"], row["findings"]
    evidence = [*understanding.get("evidence", ()), *decision.get("trace", ())]
    alternatives = tuple(
        (each["id"], _title(each["id"], knowledge, language), each["confidence"]) for each in understanding.get("alternatives", ())
    )
    topic = understanding.get("faq") or (alternatives[0][0] if alternatives else "")
    authentication = understanding.get("authentication") or {}
    of_kind = _texts(evidence)
    return Why(
        category=decision.get("category") or row["category"] or "other",
        confidence=float(understanding.get("confidence") or 0.0),
        chances=tuple((each["text"], each["weight"]) for each in evidence if each["kind"] == "category"),
        topic=topic,
        topic_title=_title(topic, knowledge, language),
        topic_confidence=float(understanding.get("faq_confidence") or 0.0),
        threshold=next((each["weight"] for each in evidence if each["kind"] == "threshold"), None),
        alternatives=alternatives,
        answered=understanding.get("faq") is not None,
        reasons=tuple(decision.get("reasons", ())) or ("not-understood",) * (row["state"] == "failed"),
        statements=tuple(understanding.get("statements", ())),
        asked=next(iter(of_kind("sentence")), ""),
        near=tuple(_near(each, knowledge, language) for each in evidence if each["kind"] in ("example", "against")),
        refs=tuple(understanding.get("case_refs", ())),
        ambiguous=tuple(understanding.get("case_refs_ambiguous", ())),
        match=findings.get("match"),
        suggestions=tuple(each["case_ref"] for each in findings.get("suggestions", ())),
        trust=findings.get("trust") or "unverified",
        authentication=authentication.get("evidence") or "",
        dmarc=authentication.get("dmarc") or "none",
        rules=of_kind("rule"),
        technical=tuple(
            (each["kind"], each["text"]) for each in evidence if each["kind"] in ("threshold", "assurance", "version", "knowledge")
        ),
    )


def _texts(evidence: list[dict[str, Any]]) -> Any:
    return lambda kind: tuple(each["text"] for each in evidence if each["kind"] == kind)


def _near(each: dict[str, Any], knowledge: Knowledge, language: Language) -> Near:
    topic, _, text = each["text"].partition(": ")
    return Near(topic, _title(topic, knowledge, language), text, each["weight"], each["kind"] == "example")


def _title(topic: str, knowledge: Knowledge, language: Language) -> str:
    known = knowledge.topics.get(topic)
    return known.title(language) if known is not None else topic


def asked_evidence(evidence: Any, knowledge: Knowledge, language: Language) -> tuple[tuple[Near, ...], tuple[tuple[str, str], ...]]:
    """(near examples, everything else) of an answer's evidence, for the try-it box."""
    plain = [{"kind": each.kind, "text": each.text, "weight": each.weight} for each in evidence]
    near = tuple(_near(each, knowledge, language) for each in plain if each["kind"] in ("example", "against"))
    return near, tuple((each["kind"], each["text"]) for each in plain if each["kind"] not in ("example", "against"))
