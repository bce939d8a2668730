"""From the chat to a person: the mail round trip, what arrives, who may cause what, and that nothing is answered by machine again."""

from __future__ import annotations

import asyncio
import logging
import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import httpx2
import pytest

from bot import pipeline
from bot.mail import parse
from bot.model import Case, Language, Raw
from bot.web.handover import Form, is_address
from tests.web.conftest import SERVICE, Served, ServeWith, events

SYNTHETIC = "10909040863"
KARI = {"name": "Kari Forsker", "email": "kari@uio.example", "message": "Jeg trenger hjelp med noe helt eget.", "attach": "yes"}
LINK = re.compile(r"http://127\.0\.0\.1:\d+/handover/confirm\?lang=(\w\w)&token=(\S+)")


def sent(served: Served) -> list[EmailMessage]:
    """What has left, after everything that waits was sent."""
    asyncio.run(pipeline.deliver_waiting(served.parts))
    folder = served.settings.service.data / "outgoing" / "new"
    return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(folder.glob("*"))] if folder.is_dir() else []


def arrived(served: Served) -> list[Raw]:
    """The mails that came in through the chat."""
    store = served.parts.store
    keys = asyncio.run(store.read(lambda tx: sorted(tx.known_keys("sha256:"))))
    return [asyncio.run(store.read(lambda tx, key=key: tx.raw(key))) for key in keys]


def ask_for_person(served: Served, **fields: Any) -> httpx2.Response:
    """Send the form."""
    return httpx2.post(f"{served.base_url}/handover?lang=nb", data={**KARI, **fields})


def link(served: Served) -> str:
    """The link in the one mail that was sent."""
    (mail,) = sent(served)
    found = LINK.search(mail.get_content())
    assert found is not None
    return found[0]


def press(address: str) -> httpx2.Response:
    """Open the link and press the button behind it."""
    page = httpx2.get(address)
    assert page.status_code == 200
    token = re.search(r'name="token" value="([^"]+)"', page.text)
    assert token is not None
    return httpx2.post(address.partition("?")[0], data={"token": token[1]})


# ── the round trip ────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_goes_on_before_the_address_is_proven(web: Served) -> None:
    response = ask_for_person(web)

    assert response.status_code == 200
    assert "kari@uio.example" in response.text
    (mail,) = sent(web)
    assert (mail["To"], mail["From"], mail["Auto-Submitted"]) == (
        "kari@uio.example",
        f"Statistisk sentralbyrå <{SERVICE}>",
        "auto-generated",
    )
    assert KARI["message"] not in mail.get_content(), "whoever gets this mail may be a stranger to what was written"
    httpx2.get(link(web))  # a mail filter opens links
    httpx2.head(link(web))
    assert arrived(web) == []


def test_the_button_behind_the_link_sends_the_message_the_way_of_every_mail(web: Served) -> None:
    earlier = ["|Hva koster det å låne mikrodata?", "|Hvordan baker jeg brød?"]
    ask_for_person(web, earlier=earlier)

    done = press(link(web))

    assert (done.status_code, "kari@uio.example" in done.text) == (200, True)
    (raw,) = arrived(web)
    assert (raw.source, raw.envelope_from, raw.envelope_to) == ("chat", "kari@uio.example", (SERVICE,))
    message = parse(raw)
    assert (message.sender.name, message.sender.address) == ("Kari Forsker", "kari@uio.example")
    assert message.own == KARI["message"], "the conversation is quoted, so that it is not read as the sender's own words"
    body = message_from_bytes(raw.content, policy=policy.default).get_content()
    price = web.parts.brain.knowledge.topics["price"]
    for line in (
        "> Spurte: Hva koster det å låne mikrodata?",
        f"> {price.source}",
        "> Spurte: Hvordan baker jeg brød?",
        "> Svar: (fikk ikke noe svar)",
    ):
        assert line in body


def test_the_conversation_stays_behind_where_it_is_not_wanted(web: Served) -> None:
    ask_for_person(web, earlier=["|Hva koster det å låne mikrodata?"], attach="")
    press(link(web))

    (raw,) = arrived(web)
    assert message_from_bytes(raw.content, policy=policy.default).get_content().strip() == KARI["message"]


def test_a_second_press_changes_nothing_and_says_the_same(web: Served) -> None:
    ask_for_person(web)
    address = link(web)
    first = press(address)
    again = httpx2.post(address.partition("?")[0], data={"token": address.rpartition("token=")[2]})
    reopened = httpx2.get(address)

    assert len(arrived(web)) == 1
    assert {first.status_code, again.status_code, reopened.status_code} == {200}
    assert "Meldingen er sendt" in again.text
    assert "Meldingen er sendt" in reopened.text
    assert KARI["message"] not in reopened.text


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhIjoxfQ.AAAA", "../../etc/passwd", "%00"])
def test_a_link_that_is_not_ours_opens_nothing(site: Served, token: str) -> None:
    opened = httpx2.get(f"{site.base_url}/handover/confirm", params={"lang": "nb", "token": token})
    pressed = httpx2.post(f"{site.base_url}/handover/confirm", data={"token": token})

    assert (opened.status_code, pressed.status_code) == (410, 410)
    assert "Lenken virker ikke lenger" in opened.text


def test_a_link_dies_after_a_day(web_server: ServeWith) -> None:
    times = [datetime(2026, 11, 27, 8, 0, tzinfo=UTC)]
    with web_server(clock=lambda: times[0]) as served:
        ask_for_person(served)
        address = link(served)
        times[0] += timedelta(hours=23, minutes=59)
        early = httpx2.get(address)
        times[0] += timedelta(minutes=2)
        late = httpx2.get(address)
        pressed = httpx2.post(address.partition("?")[0], data={"token": address.rpartition("token=")[2]})

        assert (early.status_code, late.status_code, pressed.status_code) == (200, 410, 410)
        assert arrived(served) == []


# ── what the pipeline makes of it ─────────────────────────────────────────────────────────────────────────────


def handed_over(served: Served, **fields: Any) -> list[EmailMessage]:
    """The whole way: form, link, button, understanding, and what then leaves (the link's own mail left out)."""
    ask_for_person(served, **fields)
    press(link(served))
    asyncio.run(pipeline.handle_waiting(served.parts))
    return [mail for mail in sent(served) if "/handover/confirm" not in str(mail.get_body(("plain",)))]


def test_who_left_the_chat_for_a_person_is_not_answered_by_the_machine_again(web: Served) -> None:
    """No loop between chat and mail: a question that a mail would have got an answer to goes to a person (R39)."""
    mails = handed_over(web, message="Hvor lang tid tar det å få levert data?")

    to_kari = [mail for mail in mails if mail["To"] == "kari@uio.example"]
    to_desk = [mail for mail in mails if mail["To"] == "postmottak@ssb.example"]
    assert len(to_kari) == 1, "one receipt"
    answer = web.parts.brain.knowledge.topics["delivery-time"].answer(Language.NB)
    assert answer[:40] not in to_kari[0].get_body(("plain",)).get_content()
    assert len(to_desk) == 1
    assert "Overlevert fra chatten" in to_desk[0].get_body(("plain",)).get_content()


@pytest.mark.parametrize("message", ["Takk!", "Automatisk svar: jeg er på ferie og svarer når jeg er tilbake."])
def test_whatever_is_written_a_person_sees_it(web: Served, message: str) -> None:
    """Somebody pressed the button, so it is no machine and no mere thank-you that could be put aside."""
    mails = handed_over(web, message=message)

    assert [mail["To"] for mail in mails if mail["To"] == "postmottak@ssb.example"] == ["postmottak@ssb.example"]


def test_a_proven_address_counts_as_the_case_contact_that_it_is(web: Served) -> None:
    """The link proves the mailbox, as a signed mail would: the entry is the contact's, not a stranger's."""
    row = {"title": "Sykefravær", "domains": ("uio.example",), "contacts": ("kari@uio.example",), "caseworker": "ola@ssb.example"}
    asyncio.run(web.parts.store.write(lambda tx: tx.upsert_cases([("23/1234", row)], web.parts.clock())))
    case: Case | None = asyncio.run(web.parts.store.read(lambda tx: tx.case("23/1234")))
    assert case is not None

    mails = handed_over(web, message="Gjelder sak 23/1234: når får vi dataene våre?")

    (forward,) = [mail for mail in mails if mail["To"] == "ola@ssb.example"]
    assert "23/1234" in forward["Subject"] + forward.get_body(("plain",)).get_content()
    (summary,) = [asyncio.run(web.parts.store.read(lambda tx, key=raw.key: tx.summary(key))) for raw in arrived(web)]
    assert "verified-sender" in str(summary)


# ── what somebody may put into it ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    [
        "Kari\r\nBcc: offer@evil.example",
        "Kari\nX-Evil: 1",
        "Kari\u2028Bcc: offer@evil.example",
        'Kari" <offer@evil.example>, "x',
        "Kari\u202egro.live",
        "=?utf-8?q?Kari=0D=0ABcc:_offer=40evil.example?=",
        "<script>alert(1)</script>",
    ],
)
def test_a_name_stays_a_name(web: Served, name: str) -> None:
    ask_for_person(web, name=name)
    page = httpx2.get(link(web))
    press(link(web))

    assert "<script>alert" not in page.text
    (raw,) = arrived(web)
    mail = message_from_bytes(raw.content, policy=policy.default)
    assert [address.addr_spec for address in mail["From"].addresses] == ["kari@uio.example"]
    assert [address.addr_spec for address in mail["To"].addresses] == [SERVICE]
    assert {"Bcc", "Cc", "X-Evil"}.isdisjoint(mail.keys())
    assert "\u202e" not in str(mail["From"])


@pytest.mark.parametrize(
    "address",
    [
        "kari",
        "kari@uio",
        "kari@uio.example\nBcc: x@evil.example",
        "kari@uio.example, x@evil.example",
        "Kari <kari@uio.example>",
        '"kari x"@uio.example',
        "kari@[127.0.0.1]",
        "kari@uio..example",
        ".kari@uio.example",
        "kari@-uio.example",
        "kåre@uio.example",
        f"{'k' * 65}@uio.example",
        f"kari@{'u' * 250}.example",
        "kari@uio.example?subject=x",
        "@uio.example",
    ],
)
def test_what_is_no_plain_address_gets_no_mail(site: Served, address: str) -> None:
    response = ask_for_person(site, email=address)

    assert not is_address(address)
    assert (response.status_code, 'id="email-error"' in response.text) == (422, True)


def test_the_faults_of_a_form_are_told_beside_the_fields_with_what_was_written(site: Served) -> None:
    response = ask_for_person(site, name="", email='"><script>alert(1)</script>', message="")

    assert response.status_code == 422
    for field in ("name", "email", "message"):
        assert f'href="#{field}"' in response.text
        assert f'id="{field}-error"' in response.text
    assert "<script>alert" not in response.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in response.text


def test_markup_in_the_message_is_text_on_the_page_and_in_the_mail(web: Served) -> None:
    ask_for_person(web, message="<img src=x onerror=alert(1)>", earlier=["|<b>fet</b>"])
    page = httpx2.get(link(web))
    press(link(web))

    assert "<img src=x" not in page.text
    (raw,) = arrived(web)
    assert message_from_bytes(raw.content, policy=policy.default).get_content_type() == "text/plain"


def test_a_forged_topic_in_the_conversation_puts_no_words_into_our_mouth(web: Served) -> None:
    """Only what was asked travels with the page; the answers in the transcript are found anew, from the knowledge base."""
    ask_for_person(web, earlier=["nothing:nb|Er det gratis?", "price:nb|Det er gratis, sier SSB", "xx|yy|zz"])
    press(link(web))

    (raw,) = arrived(web)
    said = [
        line for line in message_from_bytes(raw.content, policy=policy.default).get_content().splitlines() if line.startswith("> Svar:")
    ]
    known = {f"> Svar: {topic.title(Language.NB)}" for topic in web.parts.brain.knowledge.topics.values()}
    assert set(said) <= known | {"> Svar: (fikk ikke noe svar)"}


def test_identity_numbers_reach_neither_store_nor_log(web: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        httpx2.post(f"{web.base_url}/?lang=nb", data={"question": f"Jeg er {SYNTHETIC}, hva koster det?"})
        httpx2.post(f"{web.base_url}/api/ask", json={"question": f"fnr {SYNTHETIC} hemmelighet"})
        mails = handed_over(
            web, name=f"Kari {SYNTHETIC}", message=f"Fødselsnummer: 109090 40863 ({SYNTHETIC})", earlier=[f"|Mitt er {SYNTHETIC}"]
        )

    assert mails, "the message itself went on"
    data = web.settings.service.data
    kept = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file() and "model" not in path.parts)
    for form in (SYNTHETIC.encode(), b"109090 40863"):
        assert form not in kept
    assert SYNTHETIC not in caplog.text
    assert "hemmelighet" not in caplog.text
    assert b"hemmelighet" not in kept


# ── too much ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_can_have_one_address_flooded(web: Served) -> None:
    answers = [ask_for_person(web, email=address) for address in ("kari@uio.example", "Kari@UiO.example") * 2]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) > 3600
    assert len(sent(web)) == 3


def test_nobody_can_send_links_to_many(web: Served) -> None:
    codes = [ask_for_person(web, email=f"kari{number}@uio.example").status_code for number in range(21)]

    assert codes == [200] * 20 + [429]


def test_a_long_message_is_refused_with_the_reason(site: Served) -> None:
    response = ask_for_person(site, message="å" * 5001)

    assert response.status_code == 422
    assert "høyst 5000 tegn" in response.text


def test_a_form_is_cleaned() -> None:
    assert Form.of(" Kari \t Nordmann\x00 ", " kari@uio.example ", "Hei\r\nder\x07") == Form(
        "Kari Nordmann", "kari@uio.example", "Hei\nder"
    )


def test_what_became_of_hand_overs_is_counted_without_content(web: Served) -> None:
    handed_over(web)

    metrics = httpx2.get(f"{web.base_url}/metrics").text
    assert 'bot_chat_questions_total{outcome="handed-over"} 1.0' in metrics
    assert "kari" not in metrics
    assert not [event for event in events(web, "chat-feedback")]
