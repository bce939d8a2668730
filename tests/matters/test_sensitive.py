"""Identity numbers, data files and requests that the law gives deadlines, from raw mail to all that is shown or sent (R32).

Every number here is synthetic: months 41–52 and 81–92, the register's own test series, or made so that it can belong to nobody.
"""

from __future__ import annotations

import base64
import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.understanding.sensitive import FIRST_WEIGHTS, MASK, SECOND_WEIGHTS, is_identity_number, mask
from tests.documents import docx, pdf, xlsx
from tests.letters import letter
from tests.mailroom import UIO, Mailroom, later


def number(day: int, month: int, year: int, *, remainder: int = 0) -> str:
    """An identity number with valid control digits; ``remainder`` 1–3: of the form that comes in 2032."""
    for individual in range(999, 0, -1):
        digits = [int(digit) for digit in f"{day:02d}{month:02d}{year:02d}{individual:03d}"]
        first = (remainder - sum(w * d for w, d in zip(FIRST_WEIGHTS, digits, strict=False))) % 11
        second = -sum(w * d for w, d in zip(SECOND_WEIGHTS, [*digits, first], strict=False)) % 11
        if first < 10 and second < 10:
            return "".join(map(str, [*digits, first, second]))
    raise AssertionError


ORDINARY = number(31, 12, 99)  # the individual number 9xx of 1999 belongs to the years 1940–1999 and was never given out
KINDS = {
    "ordinary": ORDINARY,
    "D-number": number(71, 12, 99),
    "synthetic, +40": number(31, 52, 99),
    "synthetic, +80": number(31, 92, 99),
    "synthetic D-number, +80": number(71, 92, 99),
    "2032": number(31, 92, 99, remainder=2),
}
SYNTHETIC = KINDS["synthetic, +80"]
GROUPED = f"{SYNTHETIC[:6]} {SYNTHETIC[6:]}"


async def leaks(room: Mailroom, *words: str) -> list[str]:
    """Where any of the words stands in what was written or is shown to people or programs; the mail's own bytes are left out."""
    found = []
    written = await room.everything_written()

    def work(tx: Any) -> dict[str, str]:
        tables = ["mail", "reading", "mail_search_content", "deletion", "offer", "application", "audit", "reminder", "deadline"]
        return {table: json.dumps(tx.db.conn.execute(f"SELECT * FROM {table}").fetchall(), default=str) for table in tables}

    places = {"mails of ours": written, **await room.read(work)}
    for place, text in places.items():
        found += [f"{word} in {place}" for word in words if word in text]
    return found


@pytest.mark.parametrize("digits", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("shape", ["{0}", "{0[0]}{0[1]} {1}", "{0[0]}{0[1]}-{1}"], ids=["plain", "blank", "hyphen"])
def test_every_kind_is_known_and_hidden(digits: str, shape: str) -> None:
    text = {"{0}": digits, "{0[0]}{0[1]} {1}": f"{digits[:6]} {digits[6:]}"}.get(shape, f"{digits[:6]}-{digits[6:]}")
    assert is_identity_number(digits)
    assert mask(f"Fnr.: {text}.") == f"Fnr.: {MASK}."


@pytest.mark.parametrize(
    "text", ["12345678901", "telefon 22 33 44 55 667", "sak 24/1187-3", f"1{SYNTHETIC}", "kr 48 000,00", "ISBN 978-82-15-01234-5"]
)
def test_other_numbers_are_left_as_they_are(text: str) -> None:
    assert mask(text) == text


PLACES: dict[str, dict[str, Any]] = {
    "text": {"text": f"Hei, hva koster data om personen med fødselsnummer {GROUPED}?"},
    "subject": {"subject": f"Person {SYNTHETIC}", "text": "Hei, kan dere hjelpe?"},
    "quoted": {"text": f"Takk!\n\nmandag 2. mars 2026 skrev Per <per@uio.example>:\n> Fnr. {SYNTHETIC}\n"},
    "file name": {"text": "Se vedlegg.", "files": {f"{SYNTHETIC}.txt": b"hei"}},
    "pdf": {"text": "Se vedlegg.", "files": {"brev.pdf": pdf("Brev", f"Gjelder {SYNTHETIC}")}},
    "docx": {"text": "Se vedlegg.", "files": {"brev.docx": docx("Brev", table=(("Fnr", SYNTHETIC),))}},
    "xlsx": {"text": "Se vedlegg.", "files": {"liste.xlsx": xlsx(("Fnr", "Navn"), (GROUPED, "Ola"))}},
    "deletion": {"subject": "Sletting", "text": f"Alle data i sak 24/1187 om {SYNTHETIC} er slettet."},
    "application": {
        "subject": f"Søknad {SYNTHETIC}",
        "text": "Vedlagt følger søknad om tilgang til mikrodata.",
        "files": {f"søknad-{SYNTHETIC}.docx": docx("Søknad om tilgang til mikrodata", f"Leder: {GROUPED}")},
    },
}


@pytest.mark.parametrize("parts", PLACES.values(), ids=PLACES)
async def test_an_identity_number_is_quarantined_and_shown_nowhere(
    room: Mailroom, caplog: pytest.LogCaptureFixture, parts: dict[str, Any]
) -> None:
    await room.register(("24/1187", UIO))
    with caplog.at_level(logging.DEBUG):
        key = await room.take(letter(**parts))
        await room.deliver()
    row = await room.read(lambda tx: tx.desk_mail(key))

    assert (row["folder"], row["restricted"], row["urgent"], row["needs_person"]) == ("quarantine", 1, 1, 1)
    assert "identity-number" in row["understanding"]["sensitive"] and "sensitive-content" in row["decision"]["reasons"]
    assert not await leaks(room, SYNTHETIC, GROUPED)
    assert SYNTHETIC not in caplog.text and GROUPED not in caplog.text
    assert not await room.read(lambda tx: tx.db.conn.execute("SELECT * FROM mail_search").fetchall())


async def test_the_sender_is_told_how_and_a_person_is_alerted(room: Mailroom) -> None:
    """The receipt says how to send safely; the caseworker gets a notice with a link, no content and no original."""
    await room.register(("24/1187", UIO))
    await room.take(letter(subject=f"Sak 24/1187, {SYNTHETIC}", **PLACES["text"]))
    (receipt,), (forward,) = await room.texts("receipt"), await room.texts("forward")
    sent = {row["kind"]: await room.written(row["message_id"]) for row in await room.outbox()}

    assert "sikre filoverføring" in receipt and "Send ikke opplysningene på nytt" in receipt and "7z" in receipt
    assert sent["forward"]["To"] == "eva.berg@ssb.example" and not list(sent["forward"].iter_attachments())
    assert "ikke lagt ved" in forward and "https://bot.ssb.example/console/mail/" in forward
    assert sent["receipt"]["Subject"] == f"Re: Sak 24/1187, {MASK}"


async def test_it_is_told_again_in_the_same_thread(room: Mailroom) -> None:
    await room.take(letter(subject="Sak", text=f"Fnr {SYNTHETIC}", identifier="<one@uio.example>"))
    await room.take(letter(subject="Sv: Sak", text=f"Og {GROUPED}", answers=("<one@uio.example>",)))
    assert len(await room.texts("receipt")) == 2


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
async def test_in_the_senders_language(room: Mailroom, language: str) -> None:
    texts = {
        "nb": "Hei, jeg lurer på om dere kan finne personen med nummer {}. Jeg har ikke fått noe svar ennå.",
        "nn": "Hei, eg lurer på om de kan finne personen med nummer {}. Eg har ikkje fått noko svar enno.",
        "en": "Hello, could you please find the person with the number {}? I have not received any answer yet.",
    }
    words = {"nb": "skjermet", "nn": "skjerma", "en": "shielded"}
    await room.take(letter(subject="Person", text=texts[language].format(SYNTHETIC)))
    assert words[language] in (await room.texts("receipt"))[0]


DATA = b"w24_0001;fnr;lonn\n" + b"".join(b"%d;%d;500000\n" % (n, n) for n in range(20))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data.sas7bdat", b"\0" * 12 + b"\xc2\xea\x81\x60" + b"\0" * 60 + b"SAS FILE" + b"\0" * 200),
        ("data.sas7dat", b"rows"),
        ("data.sav", b"$FL2@(#) SPSS DATA FILE" + b"\0" * 100),
        ("data.dta", b"<stata_dta><header>" + b"\0" * 100),
        ("data.7z", b"7z\xbc\xaf\x27\x1c" + b"\0" * 100),
        ("uttrekk.csv", DATA),
    ],
)
async def test_a_data_file_is_quarantined(room: Mailroom, name: str, content: bytes) -> None:
    """Not sent on, its rows kept out of what is shown."""
    key = await room.take(letter(subject="Data", text="Hei, her er filen vår.", files={name: content}))
    row = await room.read(lambda tx: tx.desk_mail(key))

    assert "data-file" in row["understanding"]["sensitive"] and (row["folder"], row["urgent"], row["restricted"]) == ("quarantine", 1, 1)
    assert all(part["text"] == "" for part in row["attachments"])
    assert base64.b64encode(content)[:40].decode() not in await room.everything_written() and not await leaks(room, "500000")
    assert "datafiler" in (await room.texts("receipt"))[0]


@pytest.mark.parametrize("name", ["Variabelliste.csv", "Budsjett.xlsx"])
async def test_a_variable_list_is_no_data(room: Mailroom, name: str) -> None:
    content = xlsx(("Post", "Beløp"), ("Lønn", 5)) if name.endswith("xlsx") else b"variabel;fra;til\nBU;2005;2024\n"
    key = await room.take(letter(subject="Liste", text="Hei, her er variabellisten vår.", files={name: content}))
    assert (await room.read(lambda tx: tx.desk_mail(key)))["restricted"] == 0


async def test_an_access_request_comes_first_and_is_never_answered_by_the_bot(room: Mailroom) -> None:
    for subject in ("Pris", "Frist"):
        await room.take(letter(subject=subject, text="Hei, finnes det opplysninger om antall rom i boligen før 1980?"))
    key = await room.take(
        letter(subject="Innsyn", text="Jeg ber om innsyn i sak 24/1187 etter offentleglova."), received=later(room.now, hours=1)
    )
    from bot.store.queue import View

    rows, _ = await room.read(lambda tx: tx.queue(View(), room.now, 14))
    assert rows[0]["key"] == key and "access-request" in await room.reasons(key)
    assert not [row for row in await room.outbox() if row["kind"] in ("answer", "draft") and row["mail_key"] == key]


def test_classify_shows_no_number(tmp_path: Path) -> None:
    """The text key, names, reasons: all that the command prints."""
    path = tmp_path / "mail.eml"
    path.write_bytes(letter(subject=f"Sletting {SYNTHETIC}", text=f"Alle data om {GROUPED} er slettet.", files={f"{SYNTHETIC}.txt": b"x"}))
    done = subprocess.run([sys.executable, "-m", "bot", "classify", "--json", str(path)], capture_output=True, text=True, check=True)
    row = json.loads(done.stdout)

    assert "identity-number" in row["sensitive"] and {"quarantine", "hold"} <= set(row["actions"])
    assert SYNTHETIC not in done.stdout + done.stderr and GROUPED not in done.stdout and MASK in row["text"]
