"""The policy as a table: facts → decision, for every rule of *Who gets automatic mail*, every mode and threshold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.decide import NEVER_ANSWERED, POLICY, Facts, Policy, decide, may_contain_original, reply_address, reply_gate
from bot.model import (
    Act,
    Address,
    ApplicationEntry,
    Assurance,
    Authentication,
    Automatic,
    Bounce,
    Case,
    CaseMatch,
    Category,
    DeletionEntry,
    Findings,
    Language,
    Message,
    Mode,
    OfferEntry,
    Past,
    Raw,
    Reason,
    Reply,
    Sent,
    Trust,
    Understanding,
    Verdict,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KARI = Address("Kari Nordmann", "kari@uio.example")
PASSED = Authentication("uio.example", "pass", "dmarc=pass")
HOLDS = Assurance(420, 0.995, 0.975, 0.8, 0.9, "abc123")
CASE = Case("23/1234", "Sykefravær", "UiO", ("uio.example",), ("kari@uio.example",), "ola@ssb.example")
CERTAIN = CaseMatch("23/1234", "reference", True)
GUESSED = CaseMatch("23/1234", "reference", False)
TOPIC = "price"


def facts(
    category: Category = Category.FAQ,
    *,
    message: dict[str, object] | None = None,
    understanding: dict[str, object] | None = None,
    findings: Findings | None = None,
    past: Past | None = None,
    policy: dict[str, object] | None = None,
    assurance: Assurance = HOLDS,
    age: timedelta = timedelta(minutes=1),
) -> Facts:
    """A mail of Kari's that would be answered; every argument changes one thing about it."""
    asks = {"faq": TOPIC, "faqs": (TOPIC,), "faq_confidence": 0.97} if category is Category.FAQ else {}
    return Facts(
        Raw("sha256:1", b"", NOW - age, "smtp"),
        Message(**{"message_id": "<1@uio.example>", "sender": KARI, "subject": "Pris", "text": "Hva?", "own": "Hva?", **(message or {})}),
        Understanding(
            **{"category": category, "confidence": 0.98, "language": Language.NB, "authentication": PASSED, **asks, **(understanding or {})}
        ),
        findings or Findings(trust=Trust.DOMAIN),
        past or Past(),
        Policy(
            **{
                "colleagues": ("ssb.example", "vikar@byraa.example"),
                "aliases": ("utlan@ssb.no",),
                "intake": "soknad@ssb.example",
                "fallback": "postmottak@ssb.example",
                **(policy or {}),
            }
        ),
        assurance,
        NOW,
    )


def to_sender(found: Facts) -> list[str]:
    """What would leave to the researcher by itself: the acts of finished mails, drafts left out."""
    return [action.act.value for action in decide(found).actions if action.act in (Act.ANSWER, Act.RECEIPT) and not action.draft]


def forwards(found: Facts) -> list[tuple[str, str]]:
    """(address, template) of the forwards."""
    return [(action.to, action.template) for action in decide(found).actions if action.act is Act.FORWARD]


# ── the ordinary ways ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_sure_question_is_answered_and_needs_nobody() -> None:
    decision = decide(facts())

    assert decision.reply is Reply.ANSWER
    assert [(action.act, action.to, action.topics, action.draft) for action in decision.actions] == [
        (Act.ANSWER, "kari@uio.example", (TOPIC,), False)
    ]
    assert decision.reasons == (Reason.ANSWERED,)
    assert not decision.needs_person


def test_two_questions_are_answered_in_one_mail() -> None:
    decision = decide(facts(understanding={"faqs": ("price", "dpia")}))

    assert [action.topics for action in decision.actions] == [("price", "dpia")]


def handed_over(category: Category = Category.FAQ, **more: object) -> Facts:
    """The same mail, written in the chat by somebody who wanted a person."""
    found = facts(category, **more)  # type: ignore[arg-type]
    return replace(found, raw=replace(found.raw, source="chat"))


def test_who_left_the_chat_for_a_person_gets_a_person_and_no_answer() -> None:
    """The answer is a draft: it would send its reader back to where they came from."""
    decision = decide(handed_over())

    assert to_sender(handed_over()) == ["receipt"]
    assert [action.draft for action in decision.actions if action.act is Act.ANSWER] == [True]
    assert decision.reasons[0] is Reason.HAND_OVER
    assert decision.needs_person


def test_a_mere_thank_you_that_was_handed_over_still_reaches_a_person() -> None:
    found = handed_over(Category.OTHER, understanding={"thanks_only": True})

    assert forwards(found) == [("postmottak@ssb.example", "forward")]
    assert decide(found).needs_person


@pytest.mark.parametrize(
    ("category", "template", "desk"),
    [
        (Category.DELETION, "receipt-deletion", "postmottak@ssb.example"),
        (Category.OFFER, "receipt-offer", "postmottak@ssb.example"),
        (Category.APPLICATION, "receipt-application", "soknad@ssb.example"),
        (Category.CASE, "receipt", "postmottak@ssb.example"),
        (Category.OTHER, "receipt", "postmottak@ssb.example"),
    ],
)
def test_each_matter_gets_its_receipt_and_its_desk(category: Category, template: str, desk: str) -> None:
    decision = decide(facts(category))

    assert decision.reply is Reply.RECEIPT
    assert [action.template for action in decision.actions if action.act is Act.RECEIPT] == [template]
    assert forwards(facts(category)) == [(desk, "forward")]
    assert decision.needs_person
    assert decision.folder == category.value


@pytest.mark.parametrize("category", [Category.DELETION, Category.OFFER, Category.CASE, Category.APPLICATION])
def test_a_case_goes_to_its_caseworker(category: Category) -> None:
    found = facts(category, findings=Findings(trust=Trust.SENDER, match=CERTAIN), past=Past(known=(CASE,)))

    assert forwards(found) == [("ola@ssb.example", "forward")]
    assert (Act.LINK, "23/1234") in [(action.act, action.case_ref) for action in decide(found).actions]


def test_a_suggested_case_is_shown_to_its_caseworker_but_never_linked() -> None:
    found = facts(Category.CASE, findings=Findings(match=GUESSED), past=Past(known=(CASE,)))
    decision = decide(found)

    assert not decision.has(Act.LINK)
    assert [(a.to, a.case_ref) for a in decision.actions if a.act is Act.FORWARD] == [("ola@ssb.example", "")]


def test_without_any_desk_the_mail_waits_in_the_queue() -> None:
    decision = decide(facts(Category.OTHER, policy={"fallback": "", "intake": ""}))

    assert [(a.to, a.to_person) for a in decision.actions if a.act is Act.FORWARD] == [("", True)]
    assert decision.needs_person


DELETION = DeletionEntry("23/1234", Verdict.TO_CHECK, "Alt er slettet.", "text", Trust.DOMAIN, False, None, None)
OFFER = OfferEntry("23/1234", "document", True, None)
APPLICATION = ApplicationEntry("new", "research")


@pytest.mark.parametrize(
    ("category", "findings"),
    [
        (Category.DELETION, Findings(deletions=(DELETION,))),
        (Category.OFFER, Findings(offer=OFFER)),
        (Category.APPLICATION, Findings(application=APPLICATION)),
    ],
)
def test_what_was_found_is_entered_in_the_register(category: Category, findings: Findings) -> None:
    assert decide(facts(category, findings=findings)).has(Act.REGISTER)
    assert not decide(facts(category)).has(Act.REGISTER)


# ── who gets automatic mail ───────────────────────────────────────────────────────────────────────────────────

SILENT = [
    ("dmarc=fail", {"understanding": {"authentication": Authentication("", "fail", "dmarc=fail")}}, Reason.DMARC_FAIL),
    ("asks for none", {"message": {"suppress_reply": True}}, Reason.SUPPRESS),
    ("enough today", {"past": Past(automatic_today=4)}, Reason.RATE),
    ("too old", {"age": timedelta(days=3, seconds=1)}, Reason.TOO_OLD),
    ("no address", {"message": {"sender": Address("Kari", "")}}, Reason.NO_ADDRESS),
]


@pytest.mark.parametrize("category", [category for category in Category if category is not Category.AUTO])
@pytest.mark.parametrize(("name", "change", "reason"), SILENT, ids=[name for name, _, _ in SILENT])
def test_a_gate_closes_every_category(category: Category, name: str, change: dict[str, object], reason: Reason) -> None:
    found = facts(category, **change)  # type: ignore[arg-type]
    decision = decide(found)

    assert to_sender(found) == []
    assert decision.reply is Reply.NONE
    assert reason in decision.reasons
    assert decision.needs_person
    assert decision.has(Act.FORWARD)


def test_the_gates_open_just_before_their_limit() -> None:
    assert to_sender(facts(past=Past(automatic_today=3))) == ["answer"]
    assert to_sender(facts(age=timedelta(days=3))) == ["answer"]
    assert to_sender(facts(policy={"per_sender_per_day": 0})) == []
    assert to_sender(facts(policy={"answer_within_days": 1}, age=timedelta(days=2))) == []


def test_the_age_is_counted_from_arrival_and_not_from_the_date_header() -> None:
    assert to_sender(facts(message={"date": datetime(2001, 1, 1, tzinfo=UTC)})) == ["answer"]


def test_without_any_authentication_a_public_answer_may_go_out() -> None:
    assert to_sender(facts(understanding={"authentication": Authentication()})) == ["answer"]


@pytest.mark.parametrize("kind", ["bounce", "delay", "out-of-office", "list", "calendar", "receipt", "notice", "own", "spam"])
def test_a_machine_gets_nothing_and_nobody_is_bothered(kind: str) -> None:
    decision = decide(facts(message={"automatic": Automatic(kind, "a rule", "RFC 3834", "Auto-Submitted: auto-replied")}))

    assert decision.category is Category.AUTO
    assert decision.actions == ()
    assert decision.reply is Reply.NONE
    assert decision.reasons == ((Reason.OWN_LOOP if kind == "own" else Reason.MACHINE),)
    assert not decision.needs_person


MACHINE = Automatic("bounce", "rule", "RFC 3464", "report-type=delivery-status")
OURS = Sent("<o@ssb.no>", "answer", "sha256:0", "23/1234", "kari@uio.example")


@pytest.mark.parametrize(
    ("final", "sent", "told"),
    [
        (True, (OURS,), True),
        (False, (OURS,), False),  # a delay is no failure
        (True, (), False),  # backscatter of a mail that we never sent
        (True, (replace(OURS, kind="forward"),), False),  # a forward about the dead desk would go to the dead desk
    ],
)
def test_a_bounce_of_our_answer_is_told_to_a_person(final: bool, sent: tuple[Sent, ...], told: bool) -> None:
    found = facts(
        message={"automatic": MACHINE, "bounce": Bounce("<o@ssb.no>", "kari@uio.example", "5.1.1", final)},
        past=Past(sent=sent, known=(CASE,)),
    )

    assert forwards(found) == ([("ola@ssb.example", "bounced")] if told else [])
    assert to_sender(found) == []
    assert (Reason.BOUNCE_OF_OURS in decide(found).reasons) is bool(final and sent)


@pytest.mark.parametrize("address", ["ola@ssb.example", "ola@kontor.ssb.example", "vikar@byraa.example", "VIKAR@BYRAA.example"])
@pytest.mark.parametrize("category", [category for category in Category if category is not Category.AUTO])
def test_a_colleague_never_gets_automatic_mail(address: str, category: Category) -> None:
    decision = decide(facts(category, message={"sender": Address("Ola", address)}))

    assert decision.reply is Reply.NONE
    assert not {action.act for action in decision.actions} & {Act.ANSWER, Act.RECEIPT, Act.FORWARD}
    assert Reason.COLLEAGUE in decision.reasons
    assert decision.needs_person


def test_a_colleagues_reply_in_a_thread_is_linked_and_needs_nobody() -> None:
    decision = decide(
        facts(
            Category.CASE,
            message={"sender": Address("Ola", "ola@ssb.example")},
            findings=Findings(match=CERTAIN),
            past=Past(thread_cases=("23/1234",), known=(CASE,)),
        )
    )

    assert [(action.act, action.case_ref) for action in decision.actions] == [(Act.LINK, "23/1234")]
    assert not decision.needs_person


@pytest.mark.parametrize("address", ["annen@byraa.example", "ola@ssb.example.evil.example", "ola@xssb.example"])
def test_a_look_alike_is_no_colleague(address: str) -> None:
    assert to_sender(facts(message={"sender": Address("Ola", address)})) == ["answer"]


@pytest.mark.parametrize("address", ["mikrodata@ssb.no", "MIKRODATA@SSB.NO", "utlan@ssb.no"])
def test_mail_in_our_own_name_is_never_answered(address: str) -> None:
    assert to_sender(facts(message={"sender": Address("", address)})) == []


@pytest.mark.parametrize("address", ["mikrodata@ssb.no", "ola@ssb.example"])
def test_reply_to_cannot_turn_the_answer_to_us(address: str) -> None:
    """An authenticated sender whose Reply-To is ours or a colleague's: the domain differs, so From is used and may be answered."""
    found = facts(message={"reply_to": (Address("", address),)})

    assert [action.to for action in decide(found).actions] == ["kari@uio.example"]


def test_reply_to_a_colleague_at_the_same_domain_is_gated() -> None:
    found = facts(policy={"colleagues": ("drift@uio.example",)}, message={"reply_to": (Address("", "drift@uio.example"),)})

    assert reply_gate(found) is Reason.COLLEAGUE
    assert to_sender(found) == []


REPLY_TO = [
    ((), PASSED, "kari@uio.example"),
    ((Address("", "gruppe@uio.example"),), PASSED, "gruppe@uio.example"),
    ((Address("", "gruppe@uio.example"),), Authentication(), "kari@uio.example"),  # nothing proves the domain
    ((Address("", "kari@gmail.example"),), PASSED, "kari@uio.example"),  # another domain
    ((Address("", "kari@sub.uio.example"),), PASSED, "kari@uio.example"),
    ((Address("", "a@uio.example"), Address("", "b@uio.example")), PASSED, "kari@uio.example"),  # to one, never to several
]


@pytest.mark.parametrize(("reply_to", "authentication", "address"), REPLY_TO)
def test_where_a_reply_goes(reply_to: tuple[Address, ...], authentication: Authentication, address: str) -> None:
    found = facts(
        message={"reply_to": reply_to, "cc": (Address("", "sjef@uio.example"),)}, understanding={"authentication": authentication}
    )

    assert reply_address(found.message, found.understanding) == address
    assert [action.to for action in decide(found).actions] == [address]


def test_nobody_in_copy_is_ever_written_to() -> None:
    for category in Category:
        found = facts(category, message={"cc": (Address("", "sjef@uio.example"),), "to": (Address("", "andre@uio.example"),)})
        assert not {action.to for action in decide(found).actions} & {"sjef@uio.example", "andre@uio.example"}


# ── when an answer stays a draft ──────────────────────────────────────────────────────────────────────────────

BLOCKED = [
    ("below the threshold", {"understanding": {"faq": None, "faqs": ()}}, Reason.UNSURE, False),
    ("reply to an answer", {"past": Past(sent=(OURS,))}, Reason.NOT_HELPED, True),
    ("another matter beside", {"understanding": {"also": (Category.CASE,)}}, Reason.ALSO, True),
    ("suggest", {"policy": {"modes": {Category.FAQ: Mode.SUGGEST}}}, Reason.MODE_SUGGEST, True),
    *(
        (f"sensitive: {code}", {"understanding": {"sensitive": (code,)}}, Reason.SENSITIVE, True)
        for code in sorted(NEVER_ANSWERED - {"access-request"})
    ),
    ("access request", {"understanding": {"sensitive": ("access-request",)}}, Reason.ACCESS_REQUEST, True),
]


@pytest.mark.parametrize(("name", "change", "reason", "draft"), BLOCKED, ids=[entry[0] for entry in BLOCKED])
def test_a_blocked_answer_becomes_a_draft_a_receipt_and_a_forward(
    name: str, change: dict[str, object], reason: Reason, draft: bool
) -> None:
    found = facts(**change)  # type: ignore[arg-type]
    decision = decide(found)

    assert to_sender(found) == ["receipt"]
    assert [action.topics for action in decision.actions if action.draft] == ([(TOPIC,)] if draft else [])
    assert reason in decision.reasons
    assert decision.needs_person
    assert decision.has(Act.FORWARD)


ASSURANCES = [
    (Assurance(420, 0.99, 0.95, 0.8, 0.9, "v"), True),  # on the spot
    (Assurance(420, 0.9899, 0.97, 0.8, 0.9, "v"), False),  # precision
    (Assurance(59, 1.0, 0.9499, 0.8, 0.9, "v"), False),  # bound
    (Assurance(0, 0.0, 0.0, 0.0, 1.0, "v"), False),  # nothing measured
    (Assurance(0, 1.0, 1.0, 1.0, 0.0, "v"), False),  # a figure without n is no figure
]


@pytest.mark.parametrize(("assurance", "answers"), ASSURANCES)
def test_answers_go_out_alone_only_where_the_measured_precision_holds(assurance: Assurance, answers: bool) -> None:
    found = facts(assurance=assurance)
    decision = decide(found)

    assert (to_sender(found) == ["answer"]) is answers
    assert (Reason.NOT_ASSURED in decision.reasons) is not answers
    assert any(action.draft for action in decision.actions) is not answers


def test_the_assurance_wanted_is_the_operators() -> None:
    weak = Assurance(100, 0.96, 0.9, 0.9, 0.5, "v")

    assert to_sender(facts(assurance=weak)) == ["receipt"]
    assert to_sender(facts(assurance=weak, policy={"precision": 0.95, "precision_floor": 0.9})) == ["answer"]


# ── modes ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("category", [category for category in Category if category is not Category.AUTO])
def test_the_mode_of_a_category_is_its_own(category: Category) -> None:
    for other in Category:
        decision = decide(facts(category, policy={"modes": {other: Mode.SHADOW}}))
        assert decision.mode is (Mode.SHADOW if other is category else Mode.AUTO)
        assert (Reason.MODE_SHADOW in decision.reasons) is (other is category)


def test_in_suggest_receipts_and_forwards_leave_but_no_answer() -> None:
    modes = {"modes": dict.fromkeys(Category, Mode.SUGGEST)}

    assert to_sender(facts(policy=modes)) == ["receipt"]
    assert to_sender(facts(Category.DELETION, policy=modes)) == ["receipt"]
    assert forwards(facts(Category.DELETION, policy=modes)) == [("postmottak@ssb.example", "forward")]


def test_in_shadow_a_person_still_sees_everything() -> None:
    """Nothing leaves in shadow mode, so nothing is done with."""
    modes = {"modes": dict.fromkeys(Category, Mode.SHADOW)}

    assert decide(facts(policy=modes)).needs_person


# ── order: unreadable, copy, machine, colleague, human ────────────────────────────────────────────────────────


def test_an_unreadable_mail_is_quarantined_and_never_forwarded_whole() -> None:
    found = facts(message={"quarantine": "more than 400 parts"})
    decision = decide(found)

    assert decision.has(Act.QUARANTINE)
    assert decision.folder == "quarantine"
    assert to_sender(found) == []
    assert forwards(found) == [("postmottak@ssb.example", "notice")]
    assert decision.urgent and decision.needs_person


def test_a_copy_is_linked_and_never_acted_on_again() -> None:
    for category in Category:
        decision = decide(facts(category, past=Past(copy_of="sha256:0")))
        assert [action.act for action in decision.actions] == [Act.LINK]
        assert decision.reasons == (Reason.COPY,)
        assert not decision.needs_person


def test_a_machine_at_a_colleagues_address_is_a_machine() -> None:
    found = facts(message={"automatic": MACHINE, "sender": Address("", "ola@ssb.example")})

    assert decide(found).category is Category.AUTO


# ── receipts and forwards ─────────────────────────────────────────────────────────────────────────────────────


def test_one_receipt_in_a_thread() -> None:
    found = facts(Category.CASE, past=Past(receipt_in_thread=True))

    assert to_sender(found) == []
    assert Reason.ALREADY_RECEIPTED in decide(found).reasons
    assert decide(found).has(Act.FORWARD)


def test_a_thank_you_is_linked_and_left_in_peace() -> None:
    decision = decide(
        facts(Category.OTHER, understanding={"thanks_only": True}, findings=Findings(match=CERTAIN), past=Past(known=(CASE,)))
    )

    assert [(action.act, action.case_ref) for action in decision.actions] == [(Act.LINK, "23/1234")]
    assert decision.reply is Reply.NONE
    assert not decision.needs_person


@pytest.mark.parametrize("code", ["identity-number", "data-file"])
@pytest.mark.parametrize("category", [Category.FAQ, Category.CASE, Category.DELETION, Category.OTHER])
def test_personal_data_are_held_and_never_forwarded_whole(code: str, category: Category) -> None:
    found = facts(category, understanding={"sensitive": (code,)})
    decision = decide(found)

    assert decision.has(Act.HOLD)
    assert {template for _, template in forwards(found)} == {"notice"}
    assert Reason.SENSITIVE in decision.reasons
    assert decision.has(Act.QUARANTINE) and decision.folder == "quarantine"
    assert decision.urgent


def test_an_access_request_is_put_on_top() -> None:
    decision = decide(facts(Category.OTHER, understanding={"sensitive": ("access-request",)}))

    assert decision.urgent
    assert Reason.ACCESS_REQUEST in decision.reasons


def test_the_original_leaves_only_to_our_own_people() -> None:
    outside = replace(CASE, caseworker="innleid@konsulent.example")

    assert forwards(facts(Category.CASE, findings=Findings(match=CERTAIN), past=Past(known=(outside,)))) == [
        ("innleid@konsulent.example", "notice")
    ]
    policy = facts().policy
    assert may_contain_original(policy, "ola@ssb.example")
    assert not may_contain_original(policy, "ola@ssb.example.evil.example")


STATUS = Findings(trust=Trust.SENDER, match=CERTAIN, status_case="23/1234")


@pytest.mark.parametrize(("allowed", "template"), [(True, "status"), (False, "receipt")])
def test_the_status_of_a_case_is_told_only_where_configured(allowed: bool, template: str) -> None:
    decision = decide(facts(Category.CASE, findings=STATUS, past=Past(known=(CASE,)), policy={"status_answers": allowed}))

    assert [action.template for action in decision.actions if action.act is Act.RECEIPT] == [template]
    assert (Reason.STATUS_ANSWERED in decision.reasons) is allowed


def test_a_status_goes_to_no_other_address_than_the_registers() -> None:
    """Reply-To at the same domain may carry a receipt, but never what stands in a case."""
    found = facts(
        Category.CASE,
        findings=STATUS,
        past=Past(known=(CASE,)),
        policy={"status_answers": True},
        message={"reply_to": (Address("", "alle@uio.example"),)},
    )

    assert [action.to for action in decide(found).actions if action.template == "status"] == ["kari@uio.example"]


@pytest.mark.parametrize(
    ("accepted_by", "configured", "template"),
    [("words", True, "offer-document"), ("words", False, "receipt-offer"), ("document", True, "receipt-offer")],
)
def test_an_acceptance_in_words_asks_for_the_document_where_configured(accepted_by: str, configured: bool, template: str) -> None:
    found = facts(Category.OFFER, findings=Findings(offer=replace(OFFER, accepted_by=accepted_by)), policy={"ask_for_document": configured})

    assert [action.template for action in decide(found).actions if action.act is Act.RECEIPT] == [template]


# ── what a decision tells ─────────────────────────────────────────────────────────────────────────────────────


def test_every_decision_keeps_thresholds_versions_and_trust() -> None:
    kinds = {evidence.kind for evidence in decide(facts()).trace}

    assert kinds >= {"trust", "authentication", "threshold", "assurance", "knowledge"}
    assert any("n=420" in evidence.text and "0.975" in evidence.text for evidence in decide(facts()).trace)


def test_every_category_has_its_row() -> None:
    assert set(POLICY) == set(Category)
    assert POLICY[Category.AUTO].reply is Reply.NONE


def test_the_answer_comes_from_faq_alone() -> None:
    """An answer to what is not a question is the one thing that does harm."""
    for category in Category:
        found = facts(category, understanding={"faq": TOPIC, "faqs": (TOPIC,), "faq_confidence": 1.0})
        assert ("answer" in to_sender(found)) is (category is Category.FAQ)
