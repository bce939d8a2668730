"""Returned offers from raw mail to register, with PDFs that are really signed: exact findings, never just "signed" (R31)."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from bot.knowledge import Knowledge
from bot.understanding import Model
from tests.documents import docx, pdf, scan
from tests.letters import KARI, MONDAY, letter
from tests.mailroom import UIO, Mailroom, later, mailroom
from tests.signing import Authority, trusted_list

OFFER = pdf("Tilbud fra SSB, sak 24/1187", "Pris: 48 000 kroner", "Vi godtar tilbudet.")
CASE = ("24/1187", {**UIO, "state": "offered", "offer_sent": date(2026, 2, 20), "signatories": ("Kari Lund", "Nils Dekan")})
TEXT = "Hei,\n\nvedlagt er det signerte tilbudet i sak 24/1187.\n\nHilsen Kari Lund\n"


async def entry(room: Mailroom, document: bytes, name: str = "tilbud-signert.pdf", **parts: Any) -> dict[str, Any]:
    """The entry that a mail with a document makes."""
    await room.register(CASE)
    await room.take(letter(**{"subject": "Signert tilbud", "text": TEXT, "files": {name: document}, **parts}))
    (row,) = await room.read(lambda tx: tx.offers())
    return row


def flags(row: dict[str, Any]) -> list[tuple[bool, ...]]:
    """(intact, whole, changed after, trusted, expired) of each signature."""
    names = ("intact", "whole", "changed_after", "trusted", "expired")
    return [tuple(signature[name] for name in names) for signature in row["signatures"]]


def appended(signed: bytes) -> bytes:
    """The file with another text put over its page after it was signed, the way a PDF editor saves it."""
    writer = IncrementalPdfFileWriter(io.BytesIO(signed))
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    page["/Contents"] = writer.add_object(generic.StreamObject(stream_data=b"BT ET"))
    writer.update_container(page)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


# ── signatures ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_valid_signature_says_who_by_whom_and_when(room: Mailroom, authority: Authority) -> None:
    row = await entry(room, authority.person("Kari", "Lund").sign(OFFER))
    (signature,) = row["signatures"]

    assert flags(row) == [(True, True, False, True, False)]
    assert (signature["signer"], signature["issuer"], signature["level"]) == ("Kari Lund", "Test Root CA", "advanced")
    assert abs(datetime.fromisoformat(signature["signed_at"]) - datetime.now(UTC)) < timedelta(hours=1)
    assert (row["case_ref"], row["accepted_by"], row["document"], row["signer_on_list"]) == ("24/1187", "document", "tilbud-signert.pdf", 1)
    assert "signature-valid" in row["why"] and row["state"] == "received" and row["concluded_by"] == ""


async def test_a_byte_changed_after_signing(room: Mailroom, authority: Authority) -> None:
    signed = authority.person("Kari", "Lund").sign(OFFER)
    row = await entry(room, signed.replace(b"48 000", b"84 000"))

    assert row["signatures"][0]["intact"] is False and "signature-broken" in row["why"] and "signature-valid" not in row["why"]
    assert row["signer_on_list"] is None  # a name in a broken signature says nothing


async def test_something_added_after_signing(room: Mailroom, authority: Authority) -> None:
    row = await entry(room, appended(authority.person("Kari", "Lund").sign(OFFER)))

    (intact, whole, changed, *_) = flags(row)[0]
    assert intact and changed and not whole
    assert "signature-broken" in row["why"] and "something was added after the signature" in row["signatures"][0]["note"]


async def test_an_expired_certificate(room: Mailroom, authority: Authority) -> None:
    row = await entry(room, authority.person("Kari", "Lund", days=-30).sign(OFFER))

    assert flags(row) == [(True, True, False, True, True)]  # the path is known: expired, not foreign
    assert "signature-not-trusted" in row["why"] and row["signer_on_list"] is None


async def test_an_issuer_that_nobody_here_trusts(room: Mailroom, authority: Authority) -> None:
    """Anybody can make a certificate in the name of one who stands on the list."""
    row = await entry(room, Authority("Somebody's own CA").person("Kari", "Lund").sign(OFFER))

    assert flags(row) == [(True, True, False, False, False)]
    assert "signature-not-trusted" in row["why"] and row["signer_on_list"] is None


async def test_two_signatures(room: Mailroom, authority: Authority) -> None:
    """A second person signing is no change of what the first one signed; one who is not on the list is said not to be."""
    once = authority.person("Kari", "Lund").sign(OFFER)
    both = authority.person("Nils", "Dekan").sign(once, "Signature2")
    row = await entry(room, both)
    assert flags(row) == [(True, True, False, True, False)] * 2
    assert [signature["signer"] for signature in row["signatures"]] == ["Kari Lund", "Nils Dekan"]
    assert "signature-valid" in row["why"] and row["signer_on_list"] == 1


async def test_one_of_two_signatures_broken(room: Mailroom, authority: Authority) -> None:
    """The worst of them decides."""
    once = authority.person("Kari", "Lund").sign(OFFER)
    row = await entry(room, Authority("Somebody's own CA").person("Nils", "Dekan").sign(once, "Signature2"))
    assert [report[3] for report in flags(row)] == [True, False] and "signature-not-trusted" in row["why"]


async def test_a_signer_who_is_not_on_the_list(room: Mailroom, authority: Authority) -> None:
    row = await entry(room, authority.person("Ola", "Vikar").sign(OFFER))
    forward = (await room.texts("forward"))[0]

    assert "signature-valid" in row["why"] and row["signer_on_list"] == 0
    assert "står IKKE på sakens liste" in forward and "fullmakten må et menneske vurdere" in forward
    assert "autorisert" not in forward.lower() and "authorised" not in forward.lower()


async def test_a_providers_seal_is_no_persons_signature(room: Mailroom, authority: Authority) -> None:
    row = await entry(room, authority.seal("Signeringstjenesten AS").sign(OFFER))

    assert row["signatures"][0]["level"] == "seal" and flags(row) == [(True, True, False, True, False)]
    assert "signature-is-a-seal" in row["why"] and "signature-valid" not in row["why"]
    assert "provider-seal" in row["remarks"] and row["signer_on_list"] is None


async def test_a_person_and_a_seal_together(room: Mailroom, authority: Authority) -> None:
    """As signing services deliver it: the list is about the person."""
    once = authority.person("Kari", "Lund").sign(OFFER)
    row = await entry(room, authority.seal("Signeringstjenesten AS").sign(once, "Signature2"))
    assert "signature-valid" in row["why"] and row["signer_on_list"] == 1 and "provider-seal" in row["remarks"]


@pytest.mark.parametrize(("qualified", "level"), [(True, "qualified"), (False, "advanced")])
async def test_a_trusted_list_on_the_disk(
    tmp_path: Path, knowledge: Knowledge, model: Model, authority: Authority, qualified: bool, level: str
) -> None:
    """No network, no anchor: the signed list names the issuer, and makes a certificate that claims it qualified."""
    place, certificate = trusted_list(tmp_path, authority)
    offers = {"trusted_list": place, "trusted_list_certificates": (certificate,)}
    async with mailroom(tmp_path / "data", knowledge, model, offers=offers) as room:
        row = await entry(room, authority.person("Kari", "Lund", qualified=qualified).sign(OFFER))
    assert row["signatures"][0]["level"] == level and flags(row) == [(True, True, False, True, False)]


async def test_a_forged_trusted_list_trusts_nobody(tmp_path: Path, knowledge: Knowledge, model: Model, authority: Authority) -> None:
    """It is signed by somebody else than the operator says; the document is not called broken for that."""
    place, _ = trusted_list(tmp_path, authority)
    (tmp_path / "other").mkdir()
    _, other = trusted_list(tmp_path / "other", authority)
    offers = {"trusted_list": place, "trusted_list_certificates": (other,)}
    async with mailroom(tmp_path / "data", knowledge, model, offers=offers) as room:
        row = await entry(room, authority.person("Kari", "Lund", qualified=True).sign(OFFER))
    assert flags(row) == [(True, True, False, False, False)] and row["signatures"][0]["level"] == "advanced"
    assert "trusted list cannot be used" in row["signatures"][0]["note"]


@pytest.mark.parametrize(
    ("name", "document", "remark"),
    [
        ("tilbud.pdf", OFFER, ""),
        ("tilbud-skannet.pdf", scan(), "scan"),
        ("tilbud.jpg", b"\xff\xd8\xff\xe0 picture of a signed page", "scan"),
        ("tilbud.docx", docx("Tilbud, sak 24/1187", "Akseptert, Kari Lund"), ""),
    ],
)
async def test_no_signature_is_said_to_be_none(room: Mailroom, authority: Authority, name: str, document: bytes, remark: str) -> None:
    row = await entry(room, document, name)
    assert "no-verifiable-signature" in row["why"] and row["signatures"] == [] and row["signer_on_list"] is None
    assert [each for each in row["remarks"] if each == "scan"] == ([remark] if remark else [])


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("tilbud.sdo", b'<?xml version="1.0"?><SDOList xmlns="http://www.npt.no/seid/xmlskema/SDO_v1.0"><SDO/></SDOList>'),
        ("tilbud-signert.xml", b'<?xml version="1.0"?><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>'),
    ],
)
async def test_a_signature_container_goes_to_a_person(room: Mailroom, authority: Authority, name: str, document: bytes) -> None:
    """Recognised, not validated (domain: older BankID XML and LTV-SDO)."""
    row = await entry(room, document, name)
    assert "signature-container" in row["remarks"] and "no-verifiable-signature" in row["why"]
    assert "må åpnes og kontrolleres av et menneske" in (await room.texts("forward"))[0]


async def test_a_document_of_another_case(room: Mailroom, authority: Authority) -> None:
    """R31: the right mail with the wrong offer."""
    row = await entry(room, authority.person("Kari", "Lund").sign(pdf("Tilbud fra SSB, sak 24/3333", "Pris: 1 krone")))
    assert "document-of-another-case" in row["why"] and "another-case" in row["remarks"]


# ── in time ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("register", "received", "in_time", "due"),
    [
        (
            {"offer_sent": date(2026, 2, 20)},
            datetime(2026, 3, 6, 22, 59, tzinfo=UTC),
            1,
            "2026-03-06",
        ),  # the last minute of the day in Oslo
        ({"offer_sent": date(2026, 2, 20)}, datetime(2026, 3, 6, 23, 1, tzinfo=UTC), 0, "2026-03-06"),
        ({"offer_due": date(2026, 4, 1)}, MONDAY, 1, "2026-04-01"),  # the register's own day wins over the fourteen days
        ({"offer_due": date(2026, 3, 1)}, MONDAY, 0, "2026-03-01"),
        ({"offer_sent": None}, MONDAY, None, None),
    ],
)
async def test_in_time_or_not(room: Mailroom, register: dict[str, Any], received: datetime, in_time: int | None, due: str | None) -> None:
    """By the arrival of the mail, however late it is read."""
    await room.register((CASE[0], {**CASE[1], **register}))
    room.now = later(received, days=2)
    await room.take(letter(subject="Tilbud", text=TEXT, files={"tilbud.pdf": OFFER}), received=received)
    (row,) = await room.read(lambda tx: tx.offers())
    assert (row["in_time"], row["due"], "offer-after-deadline" in row["why"]) == (in_time, due, in_time == 0)


async def test_a_holiday_is_a_remark_and_moves_nothing(room: Mailroom) -> None:
    """Easter lies within the fourteen days; the deadline stays, and the caseworker is told."""
    await room.register((CASE[0], {**CASE[1], "offer_sent": date(2026, 3, 25)}))
    room.now = datetime(2026, 4, 9, 9, 0, tzinfo=UTC)
    await room.take(letter(subject="Tilbud", text=TEXT, files={"tilbud.pdf": OFFER}))
    (row,) = await room.read(lambda tx: tx.offers())
    assert (row["due"], row["in_time"]) == ("2026-04-08", 0) and "holiday" in row["remarks"]
    assert "helligdag" in (await room.texts("forward"))[0]


# ── in words ──────────────────────────────────────────────────────────────────────────────────────────────────

WORDS = "Hei,\n\nvi aksepterer tilbudet i sak 24/1187.\n\nHilsen Kari Lund\n"


@pytest.mark.parametrize("asks", [pytest.param(True, marks=pytest.mark.settings(offers={"ask_for_document": True})), False])
async def test_accepted_in_words(room: Mailroom, asks: bool) -> None:
    """Where configured a polite mail asks for the dated, signed document; else the receipt says that it came."""
    await room.register(CASE)
    await room.take(letter(subject="Tilbudet", text=WORDS))
    (row,) = await room.read(lambda tx: tx.offers())
    (receipt,) = await room.texts("receipt")

    assert (row["accepted_by"], row["document"], row["case_ref"]) == ("words", "", "24/1187") and "offer-accepted-in-words" in row["why"]
    assert ("datert og signert" in receipt) is asks


async def test_a_letterhead_is_no_document(room: Mailroom) -> None:
    """A picture inside the text is the sender's logo; the acceptance is still one in words."""
    from email import message_from_bytes
    from email.policy import SMTP

    mail = message_from_bytes(letter(subject="Tilbudet", text=WORDS), policy=SMTP)
    mail.add_alternative("<p>Vi aksepterer tilbudet i sak 24/1187.</p><img src='cid:logo'>", subtype="html")
    mail.get_payload()[1].add_related(b"\x89PNG\r\n\x1a\n logo", "image", "png", cid="<logo>", filename="logo.png", disposition="inline")
    await room.register(CASE)
    await room.take(mail.as_bytes())
    (row,) = await room.read(lambda tx: tx.offers())
    assert row["accepted_by"] == "words"


# ── who ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_strangers_offer_changes_nothing(room: Mailroom, authority: Authority) -> None:
    """It is shown to the case's caseworker as a suggestion, and the offer is still awaited."""
    signed = authority.person("Ola", "Vikar").sign(OFFER)
    row = await entry(room, signed, sender="Ola <ola@ntnu.example>")

    assert row["trust"] == "unverified" and not await room.read(lambda tx: tx.answered_offers())
    assert (await room.read(lambda tx: tx.case("24/1187"))).state == "offered"
    assert [row["recipient"] for row in await room.outbox() if row["kind"] == "forward"] == ["eva.berg@ssb.example"]
    assert "Sak: ikke sikker" in (await room.texts("forward"))[0]


@pytest.mark.parametrize(("proven", "answered"), [(True, True), (None, True), (False, False)])
async def test_an_offer_counts_as_returned_unless_it_is_forged(room: Mailroom, proven: bool | None, answered: bool) -> None:
    await room.register(CASE)
    await room.take(letter("Tilbudet", WORDS, KARI, proven=proven))
    assert (await room.read(lambda tx: tx.answered_offers()) == {"24/1187"}) is answered


async def test_a_person_concludes(room: Mailroom, authority: Authority) -> None:
    row = await entry(room, authority.person("Kari", "Lund").sign(OFFER))
    assert await room.write(lambda tx: tx.conclude("offer", row["id"], "incomplete", "24/1187", room.now, actor="eva"))
    assert not await room.read(lambda tx: tx.answered_offers())  # still awaited
    assert await room.write(lambda tx: tx.conclude("offer", row["id"], "accepted", "24/1187", room.now, actor="eva"))
    assert await room.read(lambda tx: tx.answered_offers()) == {"24/1187"}
    kinds = await room.read(lambda tx: [(event["kind"], event["actor"]) for event in tx.events_of("24/1187")])
    assert kinds.count(("offer-concluded", "eva")) == 2
