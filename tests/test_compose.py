"""Finished mails: the headers of RFC 3834, threading, injection, what a receipt may tell, and forwards."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from bot import pipeline
from bot.compose import (
    SUBJECT_LENGTH,
    Letterhead,
    Notice,
    Subject,
    Templates,
    compose,
    draft_to_person,
    message_id,
    notice,
    one_line,
    reply_subject,
)
from bot.knowledge import Knowledge
from bot.mail import parse
from bot.matters import MattersRules, find
from bot.model import (
    Act,
    Action,
    Address,
    ApplicationEntry,
    Authentication,
    Case,
    CaseMatch,
    Category,
    ChecklistItem,
    Decision,
    DeletionEntry,
    Examined,
    Findings,
    Language,
    Message,
    Mode,
    OfferEntry,
    Outgoing,
    Past,
    Raw,
    Reason,
    Reply,
    SignatureReport,
    Statement,
    Trust,
    Understanding,
    Verdict,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[1]
TEMPLATES = Templates([ROOT / "templates"])
WORDS = pipeline.words(ROOT / "templates" / "words.toml")
LETTERHEAD = Letterhead("mikrodata@ssb.example", "Statistisk sentralbyrå", "https://bot.ssb.example", "https://bot.ssb.example/personvern")
SECRET = "Grønnsåpe Bjarnesen kjøpte fjorten traktorer"
ORIGINAL = (
    "From: Kari Nordmann <kari@uio.example>\r\nTo: mikrodata@ssb.example\r\nSubject: Pris\r\nMessage-ID: <1@uio.example>\r\n"
    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + SECRET + "\r\n"
).encode()


def subject(
    knowledge: Knowledge,
    *actions: Action,
    original: bytes = ORIGINAL,
    language: Language = Language.NB,
    sure: bool = True,
    category: Category = Category.FAQ,
    mode: Mode = Mode.AUTO,
    letterhead: Letterhead = LETTERHEAD,
    findings: Findings | None = None,
    understanding: dict[str, object] | None = None,
    message: dict[str, object] | None = None,
    now: datetime = NOW,
) -> Subject:
    """What ``compose`` writes from: the mail is read by the real reader."""
    raw = Raw("sha256:1", original, NOW - timedelta(minutes=1), "smtp")
    found = findings or Findings(trust=Trust.DOMAIN)
    return Subject(
        raw,
        replace(parse(raw), **(message or {})),  # type: ignore[arg-type]
        Understanding(
            category, 0.97, language, sure, authentication=Authentication("uio.example", "pass", "dmarc=pass"), **(understanding or {})
        ),  # type: ignore[arg-type]
        found,
        Decision(category, actions, Reply.RECEIPT, (Reason.REFERENCE,), mode, True, category.value),
        knowledge,
        TEMPLATES,
        letterhead,
        WORDS,
        {},
        now,
    )


def opened(mail: Outgoing) -> EmailMessage:
    """A mail as a receiver reads it."""
    found = email.message_from_bytes(mail.content, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def text(mail: Outgoing) -> str:
    """The text part."""
    part = opened(mail).get_body(("plain",))
    assert part is not None
    return str(part.get_content())


ANSWER = Action(Act.ANSWER, "kari@uio.example", "answer", ("price",))
RECEIPT = Action(Act.RECEIPT, "kari@uio.example", "receipt")
FORWARD = Action(Act.FORWARD, "ola@ssb.example", "forward", case_ref="23/1234")
RECEIPTS = ["receipt", "receipt-deletion", "receipt-offer", "receipt-application", "offer-document"]

# ── headers ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("action", [ANSWER, RECEIPT], ids=["answer", "receipt"])
def test_an_automatic_mail_says_that_it_is_one(knowledge: Knowledge, action: Action) -> None:
    """RFC 3834 § 5, Exchange's suppression, our loop header; every header once."""
    (sent,) = compose(subject(knowledge, action))
    mail = opened(sent)

    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["X-Mikrodata-Bot"] == "1"
    assert mail["From"].addresses[0].addr_spec == "mikrodata@ssb.example"
    assert [address.addr_spec for address in mail["To"].addresses] == ["kari@uio.example"]
    assert mail["Cc"] is None and mail["Bcc"] is None
    assert len({name.lower() for name in mail}) == len(mail.keys())


def test_we_would_know_our_own_mail_as_a_machines(knowledge: Knowledge) -> None:
    """Whatever we send is told as automatic by our own reader: two of us would not talk for ever."""
    for action in (ANSWER, RECEIPT, FORWARD):
        for mail in compose(subject(knowledge, action)):
            assert parse(Raw("k", mail.content, NOW, "smtp"), own_addresses=frozenset({"other@ssb.example"})).automatic is not None


def test_it_stands_in_the_thread(knowledge: Knowledge) -> None:
    (sent,) = compose(subject(knowledge, ANSWER, message={"references": ("<a@x.example>", "<b@x.example>")}))

    assert opened(sent)["In-Reply-To"] == "<1@uio.example>"
    assert opened(sent)["References"].split() == ["<a@x.example>", "<b@x.example>", "<1@uio.example>"]


def test_without_references_the_answered_mails_own_parent_counts(knowledge: Knowledge) -> None:
    """RFC 5322 § 3.6.4: a parent with In-Reply-To but no References."""
    (sent,) = compose(subject(knowledge, ANSWER, message={"in_reply_to": ("<a@x.example>",)}))

    assert opened(sent)["References"].split() == ["<a@x.example>", "<1@uio.example>"]


def test_a_long_thread_keeps_its_first_and_last_mails(knowledge: Knowledge) -> None:
    thread = tuple(f"<{number}@x.example>" for number in range(100))
    (sent,) = compose(subject(knowledge, ANSWER, message={"references": thread}))
    kept = opened(sent)["References"].split()

    assert len(kept) == 20
    assert kept[0] == "<0@x.example>" and kept[-2:] == ["<99@x.example>", "<1@uio.example>"]


def test_a_mail_without_message_id_gets_no_thread_headers(knowledge: Knowledge) -> None:
    (sent,) = compose(subject(knowledge, ANSWER, message={"message_id": ""}))

    assert opened(sent)["In-Reply-To"] is None and opened(sent)["References"] is None


def test_the_message_id_is_fixed(knowledge: Knowledge) -> None:
    """The same mail decided again, at another time, has the same Message-ID; another kind, mail or receiver another."""
    actions = (ANSWER, RECEIPT, FORWARD, replace(FORWARD, to="per@ssb.example"), replace(ANSWER, draft=True))
    first = [mail.message_id for mail in compose(subject(knowledge, *actions))]
    again = [mail.message_id for mail in compose(subject(knowledge, *actions, now=NOW + timedelta(days=2)))]
    other = subject(knowledge, *actions)
    others = [mail.message_id for mail in compose(replace(other, raw=replace(other.raw, key="sha256:2")))]

    assert first == again
    assert len({*first, *others}) == 10
    assert all(identifier.endswith("@ssb.example>") for identifier in first)
    assert opened(compose(subject(knowledge, ANSWER))[0])["Message-ID"] == first[0]


def test_a_message_id_depends_on_where_its_parts_end() -> None:
    assert message_id("ssb.example", "ab", "c") != message_id("ssb.example", "a", "bc")
    assert message_id("ssb.example", "\ud800").startswith("<")


@pytest.mark.parametrize(("null_sender", "receipt_from"), [(True, ""), (False, "mikrodata@ssb.example")])
def test_the_envelope_sender_is_null_on_receipts_only(knowledge: Knowledge, null_sender: bool, receipt_from: str) -> None:
    """RFC 3834 § 3.3; an answer comes back to us when it cannot be delivered."""
    head = replace(LETTERHEAD, null_sender=null_sender)
    answer, receipt = compose(subject(knowledge, ANSWER, RECEIPT, letterhead=head))

    assert receipt.sender == receipt_from
    assert answer.sender == "mikrodata@ssb.example"


def test_a_draft_is_a_persons_mail(knowledge: Knowledge) -> None:
    (draft,) = compose(subject(knowledge, replace(ANSWER, draft=True)))

    assert draft.kind == "draft" and not draft.automatic
    assert opened(draft)["Auto-Submitted"] is None and opened(draft)["X-Auto-Response-Suppress"] is None
    assert opened(draft)["In-Reply-To"] == "<1@uio.example>"


def test_a_persons_reply_carries_no_automatic_header() -> None:
    identifier, content = draft_to_person(
        LETTERHEAD, recipient="kari@uio.example", subject="Re: Pris\r\nBcc: alle@x.example", body="Hei", thread={}, name="ola", now=NOW
    )
    mail = email.message_from_bytes(content)

    assert mail["Message-ID"] == identifier
    assert mail["Auto-Submitted"] is None and mail["X-Mikrodata-Bot"] is None and mail["Bcc"] is None


def test_a_notice_has_its_message_id_from_its_occasion() -> None:
    def made(key: str, now: datetime) -> Outgoing:
        context = {"case_ref": "23/1234", "due": date(2026, 3, 20), "overdue": False, "decision_date": date(2024, 5, 2)}
        return notice(LETTERHEAD, TEMPLATES, Notice("reminder-deletion", Language.NN, "k@uio.example", context, key), now)

    assert made("a", NOW).message_id == made("a", NOW + timedelta(days=1)).message_id != made("b", NOW).message_id
    assert opened(made("a", NOW))["Auto-Submitted"] == "auto-generated"
    assert "20.03.2026" in text(made("a", NOW)) and "23/1234" in text(made("a", NOW))


def test_in_shadow_nothing_is_written(knowledge: Knowledge) -> None:
    assert compose(subject(knowledge, ANSWER, RECEIPT, FORWARD, mode=Mode.SHADOW)) == ()


def test_what_has_no_address_is_not_written(knowledge: Knowledge) -> None:
    assert compose(subject(knowledge, replace(FORWARD, to=""), Action(Act.LINK, case_ref="23/1234"), Action(Act.HOLD))) == ()


def test_every_line_is_short_and_ends_in_crlf(knowledge: Knowledge) -> None:
    """RFC 5322 § 2.1.1."""
    long = "Spørsmål om " + "ærlig " * 300
    for mail in compose(
        subject(
            knowledge,
            ANSWER,
            RECEIPT,
            FORWARD,
            message={"subject": long, "references": tuple(f"<{n}@{'x' * 60}.example>" for n in range(60))},
        )
    ):
        assert max(len(line) for line in mail.content.split(b"\r\n")) <= 998
        assert b"\n" not in mail.content.replace(b"\r\n", b"")


# ── subject and injection ─────────────────────────────────────────────────────────────────────────────────────

SUBJECTS = [
    ("Pris på data", "Pris på data"),
    ("Re: SV: VS: Fwd: Pris", "Pris"),
    ("RE[2]: Pris", "Pris"),
    ("AW: WG: Antw: Preis", "Preis"),
    ("Svar: Re : Pris", "Pris"),
    ("Hei\r\nBcc: alle@x.example", "Hei Bcc: alle@x.example"),
    ("Hei\u2028Bcc: alle\x00\x07 \x85", "Hei Bcc: alle"),
    ("  mange   \t blanke ", "mange blanke"),
    ("Re:", ""),
    ("", ""),
    ("Reise: hotell", "Reise: hotell"),
]


@pytest.mark.parametrize(("given", "cleaned"), SUBJECTS)
def test_a_subject_is_cleaned(given: str, cleaned: str) -> None:
    assert reply_subject(given) == cleaned


def test_a_long_subject_is_cut() -> None:
    assert len(reply_subject("ord " * 100)) <= SUBJECT_LENGTH
    assert reply_subject("x" * 120) == "x" * 120
    assert reply_subject("x" * 121) == "x" * 119 + "…"


def test_an_empty_subject_is_replaced_by_our_own(knowledge: Knowledge) -> None:
    (sent,) = compose(subject(knowledge, RECEIPT, message={"subject": ""}))

    assert opened(sent)["Subject"] == "Vi har mottatt e-posten din"
    (sent,) = compose(subject(knowledge, RECEIPT))
    assert opened(sent)["Subject"] == "Re: Pris"


INJECTIONS = [
    b"Subject: =?utf-8?q?Hei=0D=0ABcc:_offer=40x.example=0D=0A=0D=0Akropp?=\r\n",
    b"Subject: Hei\r\n\tBcc: offer@x.example\r\n",
    b"Subject: =?utf-8?b?SGVpDQpCY2M6IG9mZmVyQHguZXhhbXBsZQ==?=\r\n",
    b"Subject: Hei\rBcc: offer@x.example\r\n",
    b"Subject: Hei\x00\x0bBcc: offer@x.example\r\n",
    b"From: =?utf-8?q?Kari=0D=0ABcc:_offer=40x.example?= <kari@uio.example>\r\n",
    b'From: "Kari\r\n Bcc: offer@x.example" <kari@uio.example>\r\n',
    b'From: "\xe2\x80\xa8Bcc: offer@x.example" <kari@uio.example>\r\n',
    b"Message-ID: <1@uio.example\r\n Bcc: offer@x.example>\r\n",
    b"Message-ID: =?utf-8?q?=3C1=40uio=2Eexample=3E=0D=0ABcc:_offer=40x.example?=\r\n",
    b"References: <a@x.example>\r\n\t<b@x.example>\r\n Bcc: offer@x.example\r\n",
    b"In-Reply-To: <a@x.example\rBcc: offer@x.example>\r\n",
    b"Reply-To: <kari@uio.example\r\n Bcc: offer@x.example>\r\n",
]


@pytest.mark.parametrize("header", INJECTIONS)
def test_no_header_of_the_sender_becomes_one_of_ours(knowledge: Knowledge, header: bytes) -> None:
    """CWE-93, through subject, name, Message-ID, References and Reply-To."""
    lines = [b"From: Kari <kari@uio.example>\r\n", b"Subject: Pris\r\n", b"Message-ID: <1@uio.example>\r\n"]
    name = header.partition(b":")[0]
    original = b"".join([*(line for line in lines if not line.startswith(name)), header, b"\r\nHei\r\n"])

    for sent in compose(subject(knowledge, ANSWER, RECEIPT, FORWARD, original=original)):
        mail = email.message_from_bytes(sent.content)
        assert mail["Bcc"] is None
        assert mail["To"] in ("kari@uio.example", "ola@ssb.example")
        assert not {header_name.lower() for header_name in mail} - {
            *("from", "to", "subject", "date", "message-id", "in-reply-to", "references", "reply-to", "auto-submitted", "precedence"),
            *("x-auto-response-suppress", "x-mikrodata-bot", "mime-version", "content-type", "content-transfer-encoding"),
        }


@pytest.mark.parametrize("bad", ["<1@x.example>\r\nBcc: offer@x.example", "<1@x\n.example>", "<1@x\u2028.example>"])
def test_a_line_break_past_the_reader_makes_no_header(knowledge: Knowledge, bad: str) -> None:
    """The reader lets none through (above); should it ever, the reply simply names no thread."""
    (sent,) = compose(subject(knowledge, RECEIPT, message={"message_id": bad, "references": (bad,)}))

    mail = email.message_from_bytes(sent.content)
    assert mail["In-Reply-To"] is None and mail["References"] is None and mail["Bcc"] is None


@pytest.mark.parametrize("odd", ["<æøå@x.example>", "<" + "x" * 3000 + "@y.example>", "ingen klammer", "<a b@x.example>"])
def test_an_odd_message_id_breaks_nothing(knowledge: Knowledge, odd: str) -> None:
    (sent,) = compose(subject(knowledge, RECEIPT, message={"message_id": odd, "references": (odd,)}))

    assert email.message_from_bytes(sent.content)["To"] == "kari@uio.example"
    assert max(len(line) for line in sent.content.split(b"\r\n")) <= 998


@pytest.mark.parametrize(
    "code", ["{{ 7 * 191 }}", "{% include 'answer.nb.txt.jinja' %}", "{{ self.__init__.__globals__ }}", "${7*191}", "#{7*191}"]
)
def test_the_senders_words_are_never_a_template(knowledge: Knowledge, code: str) -> None:
    """CWE-1336: what stands in subject, name and text comes out as it went in, or not at all."""
    found = subject(
        knowledge,
        ANSWER,
        RECEIPT,
        FORWARD,
        message={"subject": code, "sender": Address(code, "kari@uio.example"), "own": code},
        understanding={"statements": (Statement("deletion-done", code, "text"),)},
    )
    for sent in compose(found):
        shown = text(sent) + str(opened(sent)["Subject"])
        assert "1337" not in shown
        assert "Traceback" not in shown
    assert opened(compose(found)[0])["Subject"] == f"Re: {one_line(code)}"


def test_an_operators_template_reaches_no_python(tmp_path: Path) -> None:
    """The sandbox holds: a template edited in the console is text, not a program; a misspelt name is an error, not a hole."""
    folder = tmp_path / "mail"
    folder.mkdir()
    templates = Templates([tmp_path])
    for code in ("{{ ''.__class__.__mro__ }}", "{{ address.__class__ }}", "{{ adress }}", "{% set x = address.append('y') %}"):
        (folder / "evil.nb.txt.jinja").write_text(f"Emne\n\n{code}\n")
        with pytest.raises(Exception, match=r"unsafe|undefined|has no attribute"):
            templates.render("evil", Language.NB, {"address": "a@b.example"})


def test_a_template_of_the_operators_own_wins(tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "receipt.nb.txt.jinja").write_text("Vårt emne\n\nVår tekst\n")
    templates = Templates([tmp_path, ROOT / "templates"])

    assert templates.render("receipt", Language.NB, {}) == ("Vårt emne", "Vår tekst\n")
    assert templates.has("receipt", Language.EN) and not templates.has("nothing", Language.NB)


# ── what they say ─────────────────────────────────────────────────────────────────────────────────────────────

MARKS = {Language.NB: "En saksbehandler leser", Language.NN: "Ein sakshandsamar les", Language.EN: "A caseworker will read"}


@pytest.mark.parametrize("language", list(Language))
def test_a_receipt_is_in_the_language_of_the_mail(knowledge: Knowledge, language: Language) -> None:
    (sent,) = compose(subject(knowledge, RECEIPT, language=language))

    assert [name for name, mark in MARKS.items() if mark in text(sent)] == [language]
    assert sent.language is language


@pytest.mark.parametrize("language", [Language.NB, Language.NN])
def test_both_norwegian_forms_where_the_form_is_uncertain(knowledge: Knowledge, language: Language) -> None:
    """Språklova § 15; the more likely form stands first."""
    (sent,) = compose(subject(knowledge, RECEIPT, language=language, sure=False))
    other = Language.NN if language is Language.NB else Language.NB

    assert 0 <= text(sent).find(MARKS[language]) < text(sent).find(MARKS[other])
    assert MARKS[Language.EN] not in text(sent)


def test_uncertain_english_stays_english(knowledge: Knowledge) -> None:
    (sent,) = compose(subject(knowledge, RECEIPT, language=Language.EN, sure=False))

    assert [name for name, mark in MARKS.items() if mark in text(sent)] == [Language.EN]


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("template", ["answer", *RECEIPTS])
def test_each_says_that_it_is_automatic_and_how_to_reach_a_person(knowledge: Knowledge, language: Language, template: str) -> None:
    act = ANSWER if template == "answer" else replace(RECEIPT, template=template)
    (sent,) = compose(subject(knowledge, act, language=language))
    automatic = {Language.NB: "sendt automatisk", Language.NN: "send automatisk", Language.EN: "sent automatically"}[language]
    person = {Language.NB: "saksbehandler tar over", Language.NN: "tek ein sakshandsamar over", Language.EN: "caseworker will take over"}[
        language
    ]

    assert automatic in text(sent)
    assert person in text(sent).replace("tar en saksbehandler over", "saksbehandler tar over")
    assert "https://bot.ssb.example/personvern" in text(sent)


@pytest.mark.parametrize("language", list(Language))
def test_an_answer_holds_the_curated_text_and_its_source(knowledge: Knowledge, language: Language) -> None:
    (sent,) = compose(subject(knowledge, replace(ANSWER, topics=("price", "dpia")), language=language))
    flowed = " ".join(text(sent).split())

    for name in ("price", "dpia"):
        topic = knowledge.topics[name]
        assert " ".join(topic.answer(language).split()) in flowed
        assert topic.source in flowed and topic.checked.isoformat() in flowed
        assert topic.title(language).upper() in flowed
    assert sent.topics == ("price", "dpia")
    assert sent.meta["knowledge"] == knowledge.version


@pytest.mark.parametrize("template", ["answer", *RECEIPTS])
@pytest.mark.parametrize("language", list(Language))
def test_nothing_of_the_senders_text_goes_back(knowledge: Knowledge, template: str, language: Language) -> None:
    """No reflector: name, body, attachment names, quoted text and case number stay here; of the subject a cleaned line."""
    act = ANSWER if template == "answer" else replace(RECEIPT, template=template)
    found = subject(
        knowledge,
        act,
        language=language,
        findings=Findings(match=CaseMatch("23/1234", "reference", True), suggestions=(CaseMatch("24/77", "title", False),)),
        message={"own": SECRET, "text": SECRET, "quoted": SECRET, "signature": SECRET, "sender": Address(SECRET, "kari@uio.example")},
        understanding={"case_refs": ("23/1234",), "statements": (Statement("deletion-done", SECRET, "text"),)},
    )
    (sent,) = compose(found)

    for word in ("Grønnsåpe", "traktor", "23/1234", "24/77", "Kari"):
        assert word not in text(sent)


def test_a_receipt_reads_the_same_whether_or_not_the_case_exists(knowledge: Knowledge) -> None:
    """Through the rules of the domain: known case of the sender's, of a stranger's, unknown case, none."""
    case = Case("23/1234", "Sykefravær", "UiO", ("uio.example",), ("kari@uio.example",), "ola@ssb.example")
    foreign = replace(case, domains=("nhh.example",), contacts=("per@nhh.example",))
    pasts = [Past(known=(case,)), Past(known=(foreign,)), Past(), Past(sender_cases=(case,))]
    for template, category, kind in (
        ("receipt-deletion", Category.DELETION, "deletion-done"),
        ("receipt-offer", Category.OFFER, "offer-accepted"),
        ("receipt", Category.CASE, "status-question"),
    ):
        contents = set()
        for past in pasts:
            found = subject(
                knowledge,
                replace(RECEIPT, template=template),
                category=category,
                understanding={"case_refs": ("23/1234",), "statements": (Statement(kind, "Alt er slettet.", "text"),)},
            )
            rules = find(found.message, Examined(), found.understanding, past, NOW, MattersRules())
            contents |= {
                mail.content for mail in compose(replace(found, findings=rules, cases={case.case_ref: case for case in past.known}))
            }
        assert len(contents) == 1


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("configured", [True, False])
def test_what_could_not_be_found_is_told_where_configured_and_never_called_incomplete(
    knowledge: Knowledge, language: Language, configured: bool
) -> None:
    entry = ApplicationEntry("new", "research", (ChecklistItem("dpia", ""), ChecklistItem("variable-list", "liste.xlsx")))
    (sent,) = compose(
        subject(
            knowledge,
            replace(RECEIPT, template="receipt-application"),
            language=language,
            findings=Findings(application=entry),
            letterhead=replace(LETTERHEAD, checklist_in_receipt=configured),
        )
    )

    assert ("DPIA" in text(sent)) is configured
    assert "liste.xlsx" not in text(sent)
    assert not any(word in text(sent).lower() for word in ("ufullstendig", "mangelfull", "incomplete", "mangler"))


@pytest.mark.parametrize("language", list(Language))
def test_a_status_tells_state_deadline_and_caseworker(knowledge: Knowledge, language: Language) -> None:
    case = Case("23/1234", "Tittel som ikke skal ut", state="offered", caseworker="ola@ssb.example", contacts=("kari@uio.example",))
    found = subject(knowledge, Action(Act.RECEIPT, "kari@uio.example", "status", case_ref="23/1234"), language=language)
    (sent,) = compose(replace(found, cases={"23/1234": case}, next_deadline=("offer", date(2026, 3, 16))))

    assert WORDS["state.offered"][language.value] in text(sent)
    assert "ola@ssb.example" in text(sent) and "2026" in text(sent) and "23/1234" in text(sent)
    assert "Tittel" not in text(sent)


# ── forwards ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("trust", "line"),
    [(Trust.SENDER, "bekreftet – kontaktperson"), (Trust.DOMAIN, "bekreftet domene"), (Trust.UNVERIFIED, "IKKE BEKREFTET")],
)
@pytest.mark.parametrize("template", ["forward", "notice"])
def test_a_forward_opens_with_the_trust_line(knowledge: Knowledge, trust: Trust, line: str, template: str) -> None:
    (sent,) = compose(subject(knowledge, replace(FORWARD, template=template), findings=Findings(trust=trust)))

    assert text(sent).startswith("AVSENDER: ")
    assert line in text(sent).splitlines()[0]


def test_a_forward_of_a_forged_mail_says_so_first(knowledge: Knowledge) -> None:
    found = subject(knowledge, FORWARD, findings=Findings())
    forged = replace(found.understanding, authentication=Authentication("", "fail", "dmarc=fail"))
    (sent,) = compose(replace(found, understanding=forged))

    assert "DMARC FEILET" in text(sent).splitlines()[0]


@pytest.mark.parametrize("template", ["forward", "notice"])
def test_an_answer_to_a_forward_reaches_the_researcher_and_stays_in_the_record(knowledge: Knowledge, template: str) -> None:
    (sent,) = compose(subject(knowledge, replace(FORWARD, template=template)))

    assert [address.addr_spec for address in opened(sent)["Reply-To"].addresses] == ["kari@uio.example", "mikrodata@ssb.example"]
    assert sent.sender == "mikrodata@ssb.example"
    assert opened(sent)["Auto-Submitted"] == "auto-generated"
    assert not sent.automatic


@pytest.mark.parametrize(
    "address", ["", "kari", "kari@uio.example, offer@x.example", "<kari>@uio.example", "a b@uio.example", "æ@uio.example"]
)
def test_a_strange_from_leaves_only_our_own_reply_to(knowledge: Knowledge, address: str) -> None:
    (sent,) = compose(subject(knowledge, FORWARD, message={"sender": Address("Kari", address)}))

    assert [each.addr_spec for each in opened(sent)["Reply-To"].addresses] == ["mikrodata@ssb.example"]


ORIGINALS = [
    ORIGINAL,
    ORIGINAL.replace(b"\r\n", b"\n"),
    b"From: kari@uio.example\r\nSubject: r\xe5 bytes\r\n\r\nh\xe5 \xff\r\n",
    b"From: kari@uio.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\ninni\r\n--x--\r\n",
    b"From: kari@uio.example\r\n\r\n.\r\n..\r\n.QUIT\r\n",
    b"",
]


@pytest.mark.parametrize("original", ORIGINALS)
def test_the_whole_original_goes_along(knowledge: Knowledge, original: bytes) -> None:
    """message/rfc822, byte for byte but for line ends (RFC 2046 § 5.2.1)."""
    (sent,) = compose(subject(knowledge, FORWARD, original=original))
    parts = email.message_from_bytes(sent.content).get_payload()

    assert [part.get_content_type() for part in parts] == ["text/plain", "message/rfc822"]  # type: ignore[union-attr]
    normal = original.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert normal in sent.content
    assert parts[1]["Content-Transfer-Encoding"] in ("7bit", "8bit")  # type: ignore[index]


@pytest.mark.parametrize("original", [b"From: k@uio.example\r\n\r\n\0\r\n", b"From: k@uio.example\r\n\r\n" + b"x" * 999 + b"\r\n"])
def test_what_no_transport_can_carry_goes_along_as_a_file(knowledge: Knowledge, original: bytes) -> None:
    (sent,) = compose(subject(knowledge, FORWARD, original=original))
    (part,) = opened(sent).iter_attachments()

    assert part.get_filename() == "original.eml"
    assert part.get_payload(decode=True) == original


def test_a_notice_carries_no_content_but_a_link(knowledge: Knowledge) -> None:
    (sent,) = compose(subject(knowledge, replace(FORWARD, template="notice")))

    assert list(opened(sent).iter_attachments()) == []
    assert SECRET not in text(sent)
    assert "https://bot.ssb.example/console/mail/sha256%3A1" in text(sent)


def test_a_forward_says_what_was_understood_and_why(knowledge: Knowledge) -> None:
    signature = SignatureReport("Kari Nordmann", "Prøve-CA", NOW, True, True, False, False, note="no path to a trusted issuer")
    entry = DeletionEntry("23/1234", Verdict.TO_CHECK, SECRET, "text", Trust.DOMAIN, True, None, None)
    checklist = (ChecklistItem("dpia", ""), ChecklistItem("variable-list", "liste.xlsx"))
    found = subject(
        knowledge,
        FORWARD,
        category=Category.OFFER,
        findings=Findings(
            trust=Trust.DOMAIN,
            deletions=(entry,),
            offer=OfferEntry("23/1234", "document", False, date(2026, 3, 1), (signature,), document="tilbud.pdf"),
            application=ApplicationEntry("new", "research", checklist),
        ),
        understanding={
            "also": (Category.FAQ,),
            "faqs": ("price",),
            "statements": (Statement("offer-returned", "Vedlagt er tilbudet.", "text"),),
        },
    )
    shown = text(compose(found)[0])

    for part in ("Tilbud (97 %)", "23/1234", "ETTER FRISTEN", "IKKE GYLDIG", "no path to a trusted issuer", "må kontrolleres, delvis"):
        assert part in shown
    for part in (
        "[ ] vurdering av personvernkonsekvenser",
        "[x] variabelliste",
        "«Vedlagt er tilbudet.»",
        knowledge.topics["price"].title(Language.NB),
    ):
        assert part in shown
    assert WORDS["case-by-reference"]["nb"] in shown


def test_a_message_without_anything_can_be_forwarded(knowledge: Knowledge) -> None:
    """The reader is total, so is the writer."""
    empty = Message("", Address("", ""), "", "", "")
    (sent,) = compose(replace(subject(knowledge, FORWARD), message=empty))

    assert "(uten emne)" in str(opened(sent)["Subject"])
