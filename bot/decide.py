"""The policy: what is done with a mail, and why. Pure; the only place where the assistant chooses to stay silent.

Who the people are, and what a mistake costs
    A *researcher* who gets a wrong answer acts on it: costly, remembered, hard to take back. A researcher who gets a
    receipt instead waits a day: cheap. So an answer needs a reason to go out, silence needs none.
    A *stranger* may write anything under anyone's name: a mail may never change a case on the strength of its text alone.
    A *machine* that is answered may answer back: a loop costs everybody's trust. Whether a machine sent the mail is
    settled before any step that can answer; the order of ``decide`` makes another order impossible.
    A *caseworker* wants to see every mail that needs a person once, at the right desk, with the reason.

Each category has one row in ``POLICY``; ``decide`` reads it and the gates (``reply_gate``) may only take away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.matters.trust import is_colleague
from bot.model import (
    Act,
    Action,
    Address,
    Assurance,
    Category,
    Decision,
    Evidence,
    Findings,
    Message,
    Mode,
    Past,
    Raw,
    Reason,
    Reply,
    Understanding,
)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator has decided. Addresses and domains in lower case."""

    address: str = "mikrodata@ssb.no"
    aliases: tuple[str, ...] = ()
    colleagues: tuple[str, ...] = ()
    modes: Mapping[Category, Mode] = field(default_factory=dict)
    intake: str = ""
    fallback: str = ""
    per_sender_per_day: int = 4
    answer_within_days: int = 3
    precision: float = 0.99
    precision_floor: float = 0.95
    status_answers: bool = False
    ask_for_document: bool = False
    misdirected: Mapping[str, str] = field(default_factory=dict)
    forward_misdirected: bool = False

    def mode(self, category: Category) -> Mode:
        """The mode in force; ``auto`` where nothing is said."""
        return self.modes.get(category, Mode.AUTO)

    def is_ours(self, address: str) -> bool:
        """Whether an address is the service itself."""
        return address.lower() in {self.address.lower(), *self.aliases}

    def is_colleague(self, address: Address) -> bool:
        """Whether a sender is one of our own people, by address or by domain (subdomains included)."""
        return is_colleague(address, self.colleagues)


@dataclass(frozen=True, slots=True)
class Row:
    """One category's way: what the sender may get, what is written, and whose desk it lands on."""

    reply: Reply
    desk: str  # caseworker (else fallback) | intake (else fallback) | fallback | nobody
    register: bool = False
    template: str = "receipt"


POLICY: dict[Category, Row] = {
    Category.AUTO: Row(Reply.NONE, "nobody"),
    Category.DELETION: Row(Reply.RECEIPT, "caseworker", register=True, template="receipt-deletion"),
    Category.OFFER: Row(Reply.RECEIPT, "caseworker", register=True, template="receipt-offer"),
    Category.APPLICATION: Row(Reply.RECEIPT, "intake", register=True, template="receipt-application"),
    Category.CASE: Row(Reply.RECEIPT, "caseworker"),
    Category.FAQ: Row(Reply.ANSWER, "nobody"),
    Category.OTHER: Row(Reply.RECEIPT, "fallback"),
}

# what must not go on by mail, and is shown to few
PROTECTED = {"identity-number", "data-file"}
URGENT = {"access-request", "data-breach", *PROTECTED}
NEVER_ANSWERED = {"access-request", "data-subject-request", "complaint", "press", "identity-number", "data-file"}


@dataclass(frozen=True, slots=True)
class Facts:
    """All that ``decide`` may look at."""

    raw: Raw
    message: Message
    understanding: Understanding
    findings: Findings
    past: Past
    policy: Policy
    assurance: Assurance
    now: datetime


def decide(facts: Facts) -> Decision:
    """What follows from one mail. Steps in this order, and the order is the safety: unreadable, copy, machine, colleague, human."""
    if facts.message.quarantine:
        return _quarantine(facts)
    if facts.past.copy_of:
        return _nothing(facts, facts.understanding.category, Reason.COPY)
    if facts.message.automatic is not None:
        return _machine(facts)
    if facts.policy.is_colleague(facts.message.sender) or facts.policy.is_ours(facts.message.sender.address):
        return _colleague(facts)
    return _human(facts)


def may_contain_original(policy: Policy, recipient: str) -> bool:
    """The whole original goes only to our own people's domains; elsewhere a notice with a link (architecture, *Who gets automatic mail*)."""
    return policy.is_colleague(Address("", recipient))


def reply_address(message: Message, understanding: Understanding) -> str:
    """Where a reply goes: From; Reply-To only at the same, authenticated domain. ``""`` when there is nowhere."""
    domain = understanding.authentication.domain
    if domain and len(message.reply_to) == 1 and message.reply_to[0].domain == message.sender.domain:
        return message.reply_to[0].address
    return message.sender.address


def _quarantine(facts: Facts) -> Decision:
    category = Category.AUTO if facts.message.automatic else Category.OTHER
    actions = (Action(Act.QUARANTINE), *_forward(facts, "fallback", "notice"))
    return Decision(category, actions, Reply.NONE, (Reason.UNREADABLE,), facts.policy.mode(category), True, "quarantine", urgent=True)


def _nothing(facts: Facts, category: Category, reason: Reason) -> Decision:
    return Decision(category, (Action(Act.LINK),), Reply.NONE, (reason,), facts.policy.mode(category), False, category.value)


def _machine(facts: Facts) -> Decision:
    """Recorded in silence; a bounce of our own mail is tied to that mail and a person is told that it never arrived."""
    policy, message, category = facts.policy, facts.message, Category.AUTO
    automatic = message.automatic
    reason = Reason.OWN_LOOP if automatic is not None and automatic.kind == "own" else Reason.MACHINE
    mode = policy.mode(category)
    trace = (Evidence("rule", f"{automatic.rule}: {automatic.evidence}", 1.0),) if automatic is not None else ()
    if message.bounce is None or not message.bounce.final or not facts.past.sent:
        return Decision(category, (), Reply.NONE, (reason,), mode, False, category.value, trace=trace)
    ours = facts.past.sent[0]
    actions: tuple[Action, ...] = (Action(Act.LINK, case_ref=ours.case_ref),)
    # a bounce of a forward must not be answered by a forward to the same dead address
    if ours.kind not in ("forward", "alarm", "notice"):
        actions += _forward(facts, "caseworker", "bounced", case_ref=ours.case_ref)
    return Decision(category, actions, Reply.NONE, (reason, Reason.BOUNCE_OF_OURS), mode, True, category.value, urgent=True, trace=trace)


def _colleague(facts: Facts) -> Decision:
    """Nothing automatic to our own people: their mail is linked to its case, or waits in the queue."""
    understanding, findings = facts.understanding, facts.findings
    category = understanding.category
    actions: list[Action] = []
    if findings.match is not None and findings.match.certain:
        actions.append(Action(Act.LINK, case_ref=findings.match.case_ref))
    if _has_entry(findings):
        actions.append(Action(Act.REGISTER))
    in_thread = bool(facts.past.sent or facts.past.thread_cases)
    reasons = (Reason.COLLEAGUE, *findings.reasons)
    needs_person = not in_thread or _has_entry(findings)
    if _is_protected(facts):
        actions += [Action(Act.QUARANTINE), Action(Act.HOLD)]
        reasons = (*reasons, Reason.SENSITIVE)
        return Decision(category, tuple(actions), Reply.NONE, reasons, facts.policy.mode(category), True, "quarantine", urgent=True)
    return Decision(category, tuple(actions), Reply.NONE, reasons, facts.policy.mode(category), needs_person, category.value)


def answered_forwards(message: Message, understanding: Understanding, past: Past, policy: Policy) -> tuple[str, ...]:
    """Keys of mails whose forwards this mail answers: a colleague's, proven to be one. Whether it reached the researcher is the caller's
    to see (his address among To and Cc)."""
    proven = understanding.authentication.passed and understanding.authentication.dmarc != "fail"
    if not proven or message.automatic is not None or not policy.is_colleague(message.sender):
        return ()
    return tuple(dict.fromkeys(sent.mail_key for sent in past.sent if sent.kind == "forward" and sent.mail_key))


def _human(facts: Facts) -> Decision:
    understanding, findings, policy = facts.understanding, facts.findings, facts.policy
    category = understanding.category
    mode = policy.mode(category)
    reasons: list[Reason] = list(findings.reasons)
    if understanding.also:
        reasons.append(Reason.ALSO)
    if _handed_over(facts):
        reasons.insert(0, Reason.HAND_OVER)
    elif understanding.thanks_only and not _is_protected(facts):
        return _thanks(facts, reasons)
    row, answer_blocks = POLICY[category], _answer_blocks(facts)
    gate = reply_gate(facts)
    if _sent_on(facts, gate):
        return _elsewhere(facts, reasons)
    actions: list[Action] = []
    reply = row.reply
    if category is Category.FAQ:
        actions, reply, more = _faq(facts, answer_blocks, gate)
        reasons += more
    else:
        actions += _matter_actions(facts, row)
        if reply is Reply.RECEIPT:
            more_actions, reply, more = _receipt(facts, row, gate)
            actions += more_actions
            reasons += more
        # what is tied to a case, if only by a suggestion, is for the one who knows the case
        actions += _forward(facts, "caseworker" if row.desk == "fallback" and facts.findings.match is not None else row.desk, "forward")
    if mode is Mode.SHADOW:
        reasons.append(Reason.MODE_SHADOW)
    sensitive = [code for code in understanding.sensitive if code in NEVER_ANSWERED]
    if sensitive:
        reasons.append(Reason.ACCESS_REQUEST if "access-request" in sensitive else Reason.SENSITIVE)
        if _is_protected(facts):
            actions += [Action(Act.QUARANTINE), Action(Act.HOLD)]
    answered = any(action.act is Act.ANSWER and not action.draft for action in actions) and mode is Mode.AUTO
    return Decision(
        category,
        tuple(actions),
        reply,
        tuple(dict.fromkeys(reasons)),
        mode,
        needs_person=not answered or bool(sensitive),
        folder="quarantine" if _is_protected(facts) else category.value,
        urgent=bool(URGENT & set(understanding.sensitive)),
        trace=_trace(facts),
    )


def _handed_over(facts: Facts) -> bool:
    """Whether somebody left the chat for a person: an answer of ours would send them back to where they came from."""
    return facts.raw.source == "chat"


def _sent_on(facts: Facts, gate: Reason | None) -> bool:
    """Whether the mail goes on to another service without a person: configured, sure, to our own people, the sender told."""
    policy, findings = facts.policy, facts.findings
    to = policy.misdirected.get(findings.misdirected, "")
    wanted = policy.forward_misdirected and findings.misdirected_sure and policy.mode(facts.understanding.category) is Mode.AUTO
    return wanted and gate is None and bool(to) and may_contain_original(policy, to) and not _handed_over(facts)


def _elsewhere(facts: Facts, reasons: list[Reason]) -> Decision:
    """Sent on to the service that it is meant for, and the sender told where."""
    category, to = facts.understanding.category, facts.policy.misdirected[facts.findings.misdirected]
    receipt = Action(Act.RECEIPT, reply_address(facts.message, facts.understanding), "misdirected")
    actions = (receipt, Action(Act.FORWARD, to, "sent-on"))
    mode = facts.policy.mode(category)
    return Decision(category, actions, Reply.RECEIPT, tuple(dict.fromkeys(reasons)), mode, False, category.value, trace=_trace(facts))


def send_on_by_hand(facts: Facts, to: str) -> Decision | None:
    """What follows when a person sends a mail on: the original to the other service, and a mail to the sender unless the sender must get
    none. None for what must not go on by mail."""
    if _is_protected(facts) or facts.message.quarantine:
        return None
    actions = [Action(Act.FORWARD, to, "sent-on")]
    if reply_gate(facts) in (None, Reason.RATE, Reason.TOO_OLD, Reason.SUPPRESS):  # a person's mail is no automatic one
        actions.append(Action(Act.ANSWER, reply_address(facts.message, facts.understanding), "misdirected", draft=True))
    category = facts.understanding.category
    return Decision(category, tuple(actions), Reply.RECEIPT, (Reason.MISDIRECTED,), Mode.AUTO, False, category.value)


def _thanks(facts: Facts, reasons: list[Reason]) -> Decision:
    """A thank-you that needs nobody: linked where it belongs, never answered."""
    category = facts.understanding.category
    match = facts.findings.match
    actions = (Action(Act.LINK, case_ref=match.case_ref),) if match is not None else ()
    return Decision(category, actions, Reply.NONE, (Reason.THANKS, *reasons), facts.policy.mode(category), False, category.value)


def reply_gate(facts: Facts) -> Reason | None:
    """Why this sender gets no automatic mail at all, or None (architecture, *Who gets automatic mail*)."""
    message, policy, past = facts.message, facts.policy, facts.past
    recipient = reply_address(message, facts.understanding)
    if "@" not in recipient:
        return Reason.NO_ADDRESS
    if policy.is_ours(recipient) or policy.is_ours(message.sender.address):
        return Reason.OWN_LOOP
    if policy.is_colleague(Address("", recipient)):
        return Reason.COLLEAGUE
    if facts.understanding.authentication.dmarc == "fail":
        return Reason.DMARC_FAIL
    if message.suppress_reply:
        return Reason.SUPPRESS
    if past.automatic_today >= policy.per_sender_per_day:
        return Reason.RATE
    if facts.now - facts.raw.received > timedelta(days=policy.answer_within_days):
        return Reason.TOO_OLD
    return None


def _answer_blocks(facts: Facts) -> list[Reason]:
    """Why the knowledge-base answer may not go out alone, though a receipt may."""
    understanding, policy = facts.understanding, facts.policy
    blocks: list[Reason] = [Reason.HAND_OVER] if _handed_over(facts) else []
    if understanding.faq is None or not understanding.faqs:
        blocks.append(Reason.UNSURE)
    if any(sent.kind == "answer" for sent in facts.past.sent):
        blocks.append(Reason.NOT_HELPED)
    if set(understanding.sensitive) & NEVER_ANSWERED:
        blocks.append(Reason.SENSITIVE)
    if understanding.also:
        blocks.append(Reason.ALSO)
    if not facts.assurance.holds(policy.precision, policy.precision_floor):
        blocks.append(Reason.NOT_ASSURED)
    if policy.mode(Category.FAQ) is Mode.SUGGEST:
        blocks.append(Reason.MODE_SUGGEST)
    return blocks


def _faq(facts: Facts, blocks: list[Reason], gate: Reason | None) -> tuple[list[Action], Reply, list[Reason]]:
    """An answer, or a draft and a person. A blocked answer that exists becomes a draft for the caseworker."""
    understanding = facts.understanding
    recipient = reply_address(facts.message, understanding)
    match = facts.findings.match
    link = [Action(Act.LINK, case_ref=match.case_ref)] if match is not None and match.certain else []
    if not blocks and gate is None:
        answer = Action(Act.ANSWER, recipient, "answer", understanding.faqs)
        return [*link, answer], Reply.ANSWER, [Reason.ANSWERED]
    actions, reply, reasons = _receipt(facts, POLICY[Category.OTHER], gate)
    if understanding.faqs and gate is not Reason.OWN_LOOP:
        actions.append(Action(Act.ANSWER, recipient, "answer", understanding.faqs, draft=True))
    desk = "caseworker" if match is not None else "fallback"
    return [*link, *actions, *_forward(facts, desk, "forward")], reply, [*blocks, *reasons]


def _receipt(facts: Facts, row: Row, gate: Reason | None) -> tuple[list[Action], Reply, list[Reason]]:
    """One receipt per thread, when nothing stands against it."""
    if gate is not None:
        return [], Reply.NONE, [gate]
    recipient = reply_address(facts.message, facts.understanding)
    if _is_protected(facts):  # how to send safely is told each time that somebody does not
        return [Action(Act.RECEIPT, recipient, "receipt-sensitive")], Reply.RECEIPT, []
    if facts.past.receipt_in_thread:
        return [], Reply.NONE, [Reason.ALREADY_RECEIPTED]
    template = row.template
    if facts.findings.status_case and facts.policy.status_answers and not set(facts.understanding.sensitive) & NEVER_ANSWERED:
        # From is the contact that stands in the register; Reply-To may be anybody's, and gives no trust
        contact, case_ref = facts.message.sender.address, facts.findings.status_case
        if facts.policy.mode(facts.understanding.category) is Mode.AUTO:
            return [Action(Act.RECEIPT, contact, "status", case_ref=case_ref)], Reply.RECEIPT, [Reason.STATUS_ANSWERED]
        draft = Action(Act.ANSWER, contact, "status", case_ref=case_ref, draft=True)
        return [Action(Act.RECEIPT, recipient, template), draft], Reply.RECEIPT, [Reason.MODE_SUGGEST]
    if facts.findings.offer is not None and facts.findings.offer.accepted_by == "words" and facts.policy.ask_for_document:
        template = "offer-document"
    return [Action(Act.RECEIPT, recipient, template)], Reply.RECEIPT, []


def _matter_actions(facts: Facts, row: Row) -> list[Action]:
    actions = []
    findings = facts.findings
    if row.register and _has_entry(findings):
        actions.append(Action(Act.REGISTER, case_ref=findings.match.case_ref if findings.match else ""))
    if findings.match is not None and findings.match.certain:
        actions.append(Action(Act.LINK, case_ref=findings.match.case_ref))
    return actions


def _is_protected(facts: Facts) -> bool:
    return bool(PROTECTED & set(facts.understanding.sensitive))


def _has_entry(findings: Findings) -> bool:
    return bool(findings.deletions or findings.offer or findings.application)


def _forward(facts: Facts, desk: str, template: str, case_ref: str = "") -> tuple[Action, ...]:
    """To the desk: the case's caseworker where the case is certain, the intake, or the fallback; without an address, to the queue.

    Sensitive mail never leaves as a whole: the desk gets a notice with a link.
    """
    if desk == "nobody":
        return ()
    policy, match = facts.policy, facts.findings.match
    # a stranger who names a case changes nothing in it, but its caseworker is the one who can tell
    reference = case_ref or (match.case_ref if match is not None else "")
    case = facts.past.case(reference) if reference else None
    to = ""
    if desk in ("caseworker", "intake") and case is not None and case.caseworker:
        to = case.caseworker
    elif desk == "intake":
        to = policy.intake
    to = to or policy.fallback
    if template == "forward" and (_is_protected(facts) or (to and not may_contain_original(policy, to))):
        template = "notice"
    shown = reference if case_ref or (match is not None and match.certain) else ""
    return (Action(Act.FORWARD, to, template, case_ref=shown, to_person=not to),)


def _trace(facts: Facts) -> tuple[Evidence, ...]:
    """What the decision rested on beside the understanding's own evidence."""
    assurance, policy = facts.assurance, facts.policy
    return (
        Evidence("trust", facts.findings.trust.value, 0.0),
        Evidence("authentication", facts.understanding.authentication.evidence or "no result of our own server", 0.0),
        Evidence("threshold", f"answers from {assurance.threshold:.3f}", assurance.threshold),
        Evidence(
            "assurance",
            f"n={assurance.n} precision={assurance.precision:.4f} lower95={assurance.lower95:.4f} "
            f"wanted {policy.precision:g}/{policy.precision_floor:g}",
            assurance.lower95,
        ),
        Evidence("knowledge", assurance.version, 0.0),
    )
