"""Mail for microdata.no, the information service or another body: suggested, sent on by one click, or by itself where that is sure."""

from __future__ import annotations

from typing import Any

import pytest

from bot.pipeline import send_on
from tests.letters import letter
from tests.mailroom import UIO, Mailroom

SERVICES = {"microdata.no": "microdata@ssb.example", "information": "informasjon@ssb.example", "Havdata": "post@havdata.example"}
BY_HAND = pytest.mark.settings(routing={"misdirected": SERVICES})
ALONE = pytest.mark.settings(routing={"misdirected": SERVICES, "forward_misdirected": True})
LOGIN = "Hei, jeg får ikke logget inn på microdata.no. Skriptet mitt gir feilmelding når jeg kjører recode."


async def sent(room: Mailroom) -> list[tuple[str, str]]:
    """(kind, recipient) of what leaves."""
    return [(row["kind"], row["recipient"]) for row in await room.outbox("waiting", "sent")]


@ALONE
async def test_a_sure_one_is_sent_on_and_the_sender_told_where(room: Mailroom) -> None:
    key = await room.take(letter("Innlogging", LOGIN, "Nora <nora@sintef.example>"))
    forward = await room.written(next(row["message_id"] for row in await room.outbox() if row["kind"] == "forward"))

    assert sorted(await sent(room)) == [("forward", "microdata@ssb.example"), ("receipt", "nora@sintef.example")]
    assert "sendt e-posten din videre til microdata@ssb.example" in (await room.texts("receipt"))[0]
    assert [part.get_content_type() for part in forward.iter_attachments()] == ["message/rfc822"]
    assert "ser ut til å gjelde dere" in (await room.texts("forward"))[0]
    assert not [row for row in await room.read(lambda tx: tx.open_since(room.now)) if row["key"] == key]
    assert "misdirected" in await room.reasons(key)


NOT_SURE: dict[str, dict[str, Any]] = {
    "a case of ours": {"text": f"{LOGIN} Det gjelder sak 24/1187."},
    "a contact of ours": {"sender": "Kari Lund <kari@uio.example>"},
    "an attachment": {"files": {"skript.txt": b"recode kjonn"}},
    "no deed": {"subject": "Spørsmål", "text": "Hei, vi har brukt microdata.no før og vil nå ha lokale data. Kan vi få et møte om det?"},
    "a body outside": {"text": "Hei, gjelder tilgang til Havdata sine registre. Kan dere hjelpe oss med et møte?"},
}


@ALONE
@pytest.mark.parametrize("parts", NOT_SURE.values(), ids=NOT_SURE)
async def test_what_is_not_sure_is_for_a_person(room: Mailroom, parts: dict[str, Any]) -> None:
    await room.register(("24/1187", UIO))
    await room.take(letter(**{"sender": "Nora <nora@sintef.example>", "subject": "Innlogging", "text": LOGIN, **parts}))
    assert not {recipient for _, recipient in await sent(room)} & set(SERVICES.values())
    assert "Vi har derfor sendt" not in (await room.texts("receipt"))[0]


@ALONE
@pytest.mark.parametrize("parts", [{"proven": False}, {"headers": {"X-Auto-Response-Suppress": "All"}}], ids=["forged", "wants no mail"])
async def test_nobody_is_sent_on_without_being_told(room: Mailroom, parts: dict[str, Any]) -> None:
    await room.take(letter(**{"sender": "Nora <nora@sintef.example>", "subject": "Innlogging", "text": LOGIN, **parts}))
    assert not {recipient for _, recipient in await sent(room)} & set(SERVICES.values())


@BY_HAND
async def test_not_configured_it_is_a_suggestion_and_one_click(room: Mailroom) -> None:
    """The desk sees which service it seems to be; a click sends it on, tells the sender in a person's name, and is done with it."""
    key = await room.take(letter("Innlogging", LOGIN, "Nora <nora@sintef.example>"))
    assert "Ser ut til å høre til: microdata.no" in (await room.texts("forward"))[0]
    assert not {recipient for _, recipient in await sent(room)} & set(SERVICES.values())

    assert await send_on(room.parts, key, "microdata.no", actor="eva")
    assert not await send_on(room.parts, key, "microdata.no", actor="eva")  # once
    told = await room.written(next(row["message_id"] for row in await room.outbox() if row["kind"] == "person"))
    row = await room.read(lambda tx: tx.desk_mail(key))
    assert ("forward", "microdata@ssb.example") in await sent(room) and (told["To"], told["Auto-Submitted"]) == (
        "nora@sintef.example",
        None,
    )
    assert row["done_by"] == "eva" and "sent-on" in [event["kind"] for event in await room.read(lambda tx: tx.events_of(key))]
    with pytest.raises(KeyError):
        await send_on(room.parts, key, "nobody", actor="eva")


@BY_HAND
async def test_protected_content_is_not_sent_on(room: Mailroom) -> None:
    from tests.matters.test_sensitive import SYNTHETIC

    key = await room.take(letter("Innlogging", f"{LOGIN} Mitt nummer er {SYNTHETIC}.", "Nora <nora@sintef.example>"))
    assert not await send_on(room.parts, key, "microdata.no", actor="eva")


@BY_HAND
@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("Hello, I cannot log in to microdata.no and my script gives an error message.", "microdata.no"),
        ("Hei, hva var konsumprisindeksen i januar? Jeg finner ikke tabell 03013 i statistikkbanken.", "information"),
        ("Hei, jeg leter etter Havdata sine registre og trenger et møte.", "Havdata"),
        ("Hei, vi vil gjerne ha et møte om prosjektet vårt.", ""),
    ],
)
async def test_which_service(room: Mailroom, text: str, service: str) -> None:
    key = await room.take(letter("Spørsmål", text, "Nora <nora@sintef.example>"))
    row = await room.read(lambda tx: tx.desk_mail(key))
    assert row["findings"]["misdirected"] == service
