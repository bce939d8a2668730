"""Applications from raw mail to register: kind, applicant, what was found by name, title, heading and form, and what was not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.documents import docx, pdf, xlsx
from tests.letters import letter
from tests.mailroom import UIO, Mailroom

PARAGRAPH = "Vi undersøker hvordan helse og arbeid henger sammen over tid, og trenger data om hele befolkningen. " * 6
FORM = docx("Søknad om tilgang til mikrodata", "Prosjekt: Unge utenfor", "Vedlegg:", "- DPIA", "- Variabelliste", "- Prosjektbeskrivelse")
TEXT = "Hei,\n\nvedlagt følger søknad om tilgang til mikrodata for prosjektet «Unge utenfor».\n\nHilsen\nPer Dahl\n"
CHECKLIST = pytest.mark.settings(applications={"checklist_in_receipt": True})


async def entry(room: Mailroom, **parts: Any) -> dict[str, Any]:
    """The entry that a mail makes."""
    await room.take(letter(**{"sender": "Per Dahl <per.dahl@uio.example>", "subject": "Søknad om mikrodata", "text": TEXT, **parts}))
    (row,) = await room.read(lambda tx: tx.applications())
    return row


def found(row: dict[str, Any]) -> dict[str, str]:
    """What was found, and where."""
    return {item["id"]: item["found_in"] for item in row["checklist"] if item["found_in"]}


def missing(row: dict[str, Any]) -> list[str]:
    """What is required and was not found."""
    return [item["id"] for item in row["checklist"] if item["required"] and not item["found_in"]]


# ── kinds ─────────────────────────────────────────────────────────────────────────────────────────────────────

KINDS = {
    "new": ({}, "new"),
    "change": (
        {"subject": "Endring", "text": "Vi søker om endring i prosjektet i sak 24/1187: ett år til. Skjema følger vedlagt."},
        "change",
    ),
    "institution": (
        {"subject": "Godkjenning", "text": "Vedlagt følger søknad om godkjenning av Havforsk AS som forskningsinstitusjon."},
        "institution",
    ),
}


@pytest.mark.parametrize(("parts", "kind"), KINDS.values(), ids=KINDS)
async def test_kinds(room: Mailroom, parts: dict[str, Any], kind: str) -> None:
    await room.register(("24/1187", UIO))
    row = await entry(room, **parts)
    assert (row["kind"], row["number"], row["state"]) == (kind, "M-2026-0001", "received")
    assert row["case_ref"] == ("24/1187" if kind == "change" else "")
    assert f"application-{kind}" in row["why"]


APPLICANTS = {
    "research": ({}, "research", ["application-form", "variable-list", "project-description", "dpia"]),
    "public authority": (
        {"sender": "Anne Vik <anne.vik@helsedirektoratet.example>"},
        "public",
        ["application-form", "variable-list", "needs-description", "dpia"],
    ),
    "a municipality by its signature": (
        {"sender": "Anne Vik <anne@post.example>", "text": TEXT.replace("Per Dahl", "Anne Vik\nBergen kommune")},
        "public",
        ["application-form", "variable-list", "needs-description", "dpia"],
    ),
    "foreign": (
        {
            "sender": "Maria Rossi <maria@unibo.example>",
            "subject": "Application",
            "text": "Dear all,\n\nplease find attached our application for access to microdata.\n\nBest regards\nMaria Rossi\nUniversity of Bologna, Italy\n",
        },
        "foreign",
        ["application-form", "variable-list", "project-description"],
    ),
}


@pytest.mark.parametrize(("parts", "applicant", "required"), APPLICANTS.values(), ids=APPLICANTS)
async def test_who_applies_decides_what_is_required(room: Mailroom, parts: dict[str, Any], applicant: str, required: list[str]) -> None:
    row = await entry(room, **parts)
    assert row["applicant"] == applicant
    assert [item["id"] for item in row["checklist"] if item["required"]] == required and missing(row) == required


# ── what was found ────────────────────────────────────────────────────────────────────────────────────────────


async def test_found_by_name(room: Mailroom) -> None:
    names = ("Søknadsskjema_utfylt.pdf", "Vedlegg 2 variabelliste.csv", "prosjektbeskrivelse-v3.pdf", "DPIA UiO 2026.pdf")
    row = await entry(room, files={name: pdf("Side 1") if name.endswith("pdf") else b"a;b\n1;2\n" for name in names})
    assert found(row) == dict(zip(("application-form", "variable-list", "project-description", "dpia"), names, strict=True))
    assert missing(row) == [] and "attachment-seems-missing" not in row["why"]


async def test_found_by_title_and_form(room: Mailroom) -> None:
    """Names that say nothing: the first lines tell; a table headed by variables is a variable list, and so is a script."""
    files = {
        "dok1.docx": docx("Søknad om tilgang til mikrodata", PARAGRAPH),
        "dok2.docx": docx("Forskningsprotokoll", PARAGRAPH),
        "dok3.pdf": pdf("Vurdering av personvernkonsekvenser", "1. Om prosjektet"),
        "dok4.xlsx": xlsx(("Register", "Variabel", "Fra", "Til"), ("Utdanning", "BU", 2005, 2024)),
    }
    row = await entry(room, files=files)
    assert found(row) == {
        "application-form": "dok1.docx",
        "project-description": "dok2.docx",
        "dpia": "dok3.pdf",
        "variable-list": "dok4.xlsx",
    }


async def test_a_script_of_microdata_no_is_a_variable_list(room: Mailroom) -> None:
    script = b"require no.ssb.fdb:30 as db\ncreate-dataset unge\nimport db/BEFOLKNING_KJOENN\n"
    assert found(await entry(room, files={"analyse.txt": script}))["variable-list"] == "analyse.txt"


async def test_a_list_of_attachments_finds_none_of_them(room: Mailroom) -> None:
    """The form says what should be there; that is not it being there."""
    row = await entry(room, files={"Søknadsskjema.docx": FORM})
    assert found(row) == {"application-form": "Søknadsskjema.docx"}
    assert missing(row) == ["variable-list", "project-description", "dpia"]


async def test_all_in_one_file_is_found_by_its_headings(room: Mailroom) -> None:
    whole = docx(
        *("Søknad om tilgang til mikrodata", PARAGRAPH, "2. Prosjektbeskrivelse", PARAGRAPH, PARAGRAPH),
        *("3. DPIA", PARAGRAPH, PARAGRAPH, "4. Variabelliste", PARAGRAPH),
    )
    row = await entry(room, files={"samlet.docx": whole})
    assert missing(row) == [] and set(found(row).values()) == {"samlet.docx"}


@pytest.mark.parametrize(
    ("sentence", "found_in"),
    [
        ("Vi har vurdert at DPIA ikke er nødvendig, fordi dataene er anonyme.", "text"),
        ("No impact assessment: it is not required for this project, an impact assessment is not necessary.", "text"),
        ("DPIA ettersendes.", ""),
        ("Vi sender DPIA i neste uke.", ""),
    ],
)
async def test_reasons_for_no_dpia_may_stand_in_the_letter(room: Mailroom, sentence: str, found_in: str) -> None:
    row = await entry(room, text=TEXT.replace("\n\nHilsen", f" {sentence}\n\nHilsen"))
    assert found(row).get("dpia", "") == found_in


async def test_identifying_variables_need_reasons(room: Mailroom) -> None:
    row = await entry(room, text=TEXT.replace("Unge utenfor».", "Unge utenfor». Vi trenger grunnkrets og fødselsdato."))
    assert "identifying-reasons" in missing(row)


async def test_a_basis_from_before_2018(room: Mailroom) -> None:
    row = await entry(room, text=TEXT.replace("Unge utenfor».", "Unge utenfor». Behandlingsgrunnlaget er fra før 20.07.2018."))
    assert {"prior-approval"} <= set(missing(row)) and "dpia" not in missing(row)


async def test_what_is_optional_is_never_missing(room: Mailroom) -> None:
    row = await entry(room)
    assert [item["id"] for item in row["checklist"] if not item["required"]] == ["institution-approval"]
    assert "institution-approval" not in missing(row)


# ── what is said of it ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("told", [pytest.param(True, marks=CHECKLIST), False])
async def test_the_receipt_says_what_we_could_not_find_where_configured(room: Mailroom, told: bool) -> None:
    """Never "incomplete"; the intake always has the checklist."""
    await entry(room, files={"Prosjektbeskrivelse.pdf": pdf("Prosjektbeskrivelse")})
    (receipt,), (forward,) = await room.texts("receipt"), await room.texts("forward")

    assert ("fant vi ikke dette" in receipt and "(DPIA)" in receipt) is told and "prosjektbeskrivelse" not in receipt.lower()
    assert "M-2026-0001" in receipt and "M-2026-0001" in forward
    assert (
        "[x] forskningsprotokoll eller prosjektbeskrivelse (Prosjektbeskrivelse.pdf)" in forward
        and "[ ] vurdering av personvern" in forward
    )
    assert "ufullstendig" not in receipt.lower() + forward.lower() and "mangelfull" not in receipt.lower()
    assert [row["recipient"] for row in await room.outbox() if row["kind"] == "forward"] == ["soknad@ssb.example"]


@CHECKLIST
async def test_the_whole_receipt_in_the_applicants_language(room: Mailroom) -> None:
    await entry(room, **APPLICANTS["foreign"][0])
    assert "we could not find" in (await room.texts("receipt"))[0]


async def test_numbers_run_through_the_year(room: Mailroom) -> None:
    for number in range(3):
        await room.take(letter(subject=f"Søknad {number}", text=f"{TEXT} {number}"))
    room.now = room.now.replace(year=2027, month=3, day=1)
    await room.take(letter(subject="Søknad 2027", text=f"{TEXT} ny", date=room.now))
    numbers = [row["number"] for row in reversed(await room.read(lambda tx: tx.applications()))]
    assert numbers == ["M-2026-0001", "M-2026-0002", "M-2026-0003", "M-2027-0001"]
