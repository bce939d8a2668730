"""Hand-over to the archive: one folder a mail with the bytes, the attachments, checksums and the fields of Noark 5.

The field names are those of the Noark 5 service interface 1.1 (arkivverket/noark5-tjenestegrensesnitt-standard, chapter 7); codes
carry their Norwegian names. What the standard has no field for stands under ``virksomhetsspesifikkeMetadata``. Few archives
offer the interface itself, so the form is neutral: an archivist or a small program takes the folders in, then the hand-over is
acknowledged. The checksums have the form of ``sha256sum -c``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot.mail import parse
from bot.model import Attachment, Case, Message, Raw
from bot.understanding.sensitive import mask

OSLO = ZoneInfo("Europe/Oslo")
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
FIELDS = "journalpost.json"
BOT = "mikrodata-bot"
FIRST_CENTURY_YEAR = 50  # two-digit case years below belong to this century
ANSWERS = ("answer", "person")  # what answers a mail; a receipt only says that it came

Json = dict[str, Any]


class Unfit(Exception):
    """A folder cannot be used for a hand-over or its acknowledgement; the text is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A hand-over that was read back: its name, and the checksum of each mail's folder by the mail's key."""

    name: str
    checksums: Mapping[str, str]


# ── one mail ──────────────────────────────────────────────────────────────────────────────────────────────────


def papers(record: Mapping[str, Any], service: str) -> dict[str, bytes]:
    """File name → content of one mail's folder. ``record`` as of ``Tx.archive_record``; ``service`` is our own address."""
    message = _shown(_read(record["content"], record["key"], record["received"]), record)
    files = {"mail.eml": record["content"]}
    for number, attachment in enumerate(message.attachments, 1):
        files[f"attachments/{number:02d}-{attachment.name}"] = attachment.content
    for number, mail in enumerate(record["outgoing"], 1):
        if mail["content"]:
            files[f"sent/{number:02d}.eml"] = bytes(mail["content"])
    fields = noark(record, message, files, service)
    files[FIELDS] = json.dumps(fields, ensure_ascii=False, indent=2).encode() + b"\n"
    files[SUMS] = "".join(f"{_sha256(content)}  {name}\n" for name, content in files.items()).encode()
    return files


def _read(content: bytes, key: str, received: str) -> Message:
    return parse(Raw(key, content, datetime.fromisoformat(received), "archive"))


def _shown(message: Message, record: Mapping[str, Any]) -> Message:
    """The mail as its titles may say it: in a protected one no identity number, which would stand in the journal."""
    if not record["restricted"]:
        return message
    parts = tuple(replace(part, name=mask(part.name)) for part in message.attachments)
    return replace(message, subject=mask(message.subject), attachments=parts)


def noark(record: Mapping[str, Any], message: Message, files: Mapping[str, bytes], service: str) -> Json:
    """The fields of ``journalpost.json``."""
    case: Case | None = record["case"]
    return {
        "saksmappe": saksmappe(record["case_ref"], case) if record["case_ref"] else None,
        "journalpost": _incoming(record, message, files, service),
        "utgaaendeJournalposter": [
            _outgoing(mail, f"sent/{number:02d}.eml", record, service)
            for number, mail in enumerate(record["outgoing"], 1)
            if mail["content"]
        ],
        "virksomhetsspesifikkeMetadata": {
            "system": BOT,
            "noekkel": record["key"],
            "messageId": record["message_id"] or "",
            "kategori": record["category"],
            "begrunnelse": record["decision"].get("reasons", []),
            "tillit": record["trust"] or "",
            "spraak": record["language"] or "",
            "foreslaattSak": record["suggested_ref"],
            "forelopigeNummer": record["numbers"],
            "kopiAv": record["copy_of"],
            "skjermes": bool(record["restricted"]),
            "restanse": bool(record["open"]),
        },
    }


def saksmappe(reference: str, case: Case | None) -> Json:
    """The case folder: M003 mappeID with M011 saksaar and M012 sakssekvensnummer."""
    short, _, number = reference.partition("/")
    if not (short.isdecimal() and number.isdecimal()):
        return {"mappeID": reference}
    year = int(short) + (2000 if int(short) < FIRST_CENTURY_YEAR else 1900)
    folder: Json = {"mappeID": f"{year}/{number}", "saksaar": year, "sakssekvensnummer": int(number)}
    if case is not None:
        closed = case.state == "closed"
        folder["tittel"] = case.title
        folder["saksansvarlig"] = case.caseworker
        folder["saksstatus"] = _code("A", "Avsluttet") if closed else _code("B", "Under behandling")
    return folder


def _incoming(record: Mapping[str, Any], message: Message, files: Mapping[str, bytes], service: str) -> Json:
    entry: Json = {
        "journalposttype": _code("I", "Inngående dokument"),
        "journalstatus": _code("S", "Registrert av saksbehandler") if record["done_by"] else _code("M", "Midlertidig registrert"),
        "tittel": message.subject or "(uten emne)",
        "mottattDato": _day(record["received"]),
        "antallVedlegg": len(message.attachments),
        "korrespondansepart": [
            _party("EA", "Avsender", message.sender.name, message.sender.address),
            _party("EM", "Mottaker", "", service),
            *(_party("EK", "Kopimottaker", copied.name, copied.address) for copied in message.cc),
        ],
        "dokumentbeskrivelse": _documents(record, message, files),
    }
    if message.date is not None:
        entry["dokumentetsDato"] = message.date.astimezone(OSLO).date().isoformat()
    written_off = _avskrivning(record)
    return {**entry, "avskrivning": [written_off]} if written_off else entry


def _avskrivning(record: Mapping[str, Any]) -> Json | None:
    """How the mail was dealt with; None while it waits for a person: it is a *restanse* then."""
    if record["open"]:
        return None
    by = record["done_by"] or BOT
    answered = [mail["sent_at"] for mail in record["outgoing"] if mail["kind"] in ANSWERS and mail["sent_at"]]
    if answered:
        return {"avskrivningsdato": _day(min(answered)), "avskrevetAv": by, "avskrivningsmaate": _code("BE", "Besvart med e-post")}
    noted = record["done_at"] or record["handled_at"]
    return {"avskrivningsdato": _day(noted), "avskrevetAv": by, "avskrivningsmaate": _code("TE", "Tatt til etterretning")}


def _documents(record: Mapping[str, Any], message: Message, files: Mapping[str, bytes]) -> list[Json]:
    main = _document(1, message.subject or "(uten emne)", "mail.eml", "message/rfc822", files["mail.eml"], record["received"])
    attached = [_attached(number, attachment, files, record) for number, attachment in enumerate(message.attachments, 1)]
    return [main, *attached]


def _attached(number: int, attachment: Attachment, files: Mapping[str, bytes], record: Mapping[str, Any]) -> Json:
    name = f"attachments/{number:02d}-{attachment.name}"
    document = _document(number + 1, attachment.name, name, attachment.type, files[name], record["received"])
    signature = _signature(record, attachment.name)
    if signature:
        document["dokumentobjekt"][0]["elektroniskSignatur"] = signature
    return document


def _document(number: int, title: str, name: str, kind: str, content: bytes, received: str) -> Json:
    return {
        "dokumentnummer": number,
        "tittel": title,
        "dokumentstatus": _code("F", "Dokumentet er ferdigstilt"),
        "tilknyttetRegistreringSom": _code("H", "Hoveddokument") if number == 1 else _code("V", "Vedlegg"),
        "tilknyttetDato": received,
        "tilknyttetAv": BOT,
        "dokumentobjekt": [
            {
                "versjonsnummer": 1,
                "variantformat": _code("P", "Produksjonsformat"),
                "filnavn": name,
                "mimeType": kind,
                "filstoerrelse": len(content),
                "sjekksum": _sha256(content),
                "sjekksumAlgoritme": "SHA-256",
            }
        ],
    }


def _signature(record: Mapping[str, Any], name: str) -> Json | None:
    """What was found of signatures on the returned offer; verified (V) only when every one is in order."""
    offer = record["findings"].get("offer") or {}
    signatures = offer.get("signatures") or []
    if offer.get("document") != name or not signatures:
        return None
    valid = all(
        found["intact"] and found["whole"] and found["trusted"] and not found["changed_after"] and not found["expired"]
        for found in signatures
    )
    state = _code("V", "Signatur påført og verifisert") if valid else _code("I", "Signatur påført, ikke verifisert")
    return {
        "elektroniskSignaturVerifisert": state,
        "verifisertDato": _day(record["handled_at"]),
        "verifisertAv": BOT,
        "undertegnere": [{"navn": found["signer"], "utsteder": found["issuer"]} for found in signatures],
    }


def _outgoing(mail: Mapping[str, Any], name: str, record: Mapping[str, Any], service: str) -> Json:
    content = bytes(mail["content"])
    message = _read(content, mail["message_id"], mail["sent_at"])
    return {
        "journalposttype": _code("U", "Utgående dokument"),
        "journalstatus": _code("E", "Ekspedert"),
        "tittel": message.subject or "(uten emne)",
        "dokumentetsDato": _day(mail["sent_at"]),
        "sendtDato": _day(mail["sent_at"]),
        "korrespondansepart": [_party("EA", "Avsender", "", service), _party("EM", "Mottaker", "", mail["recipient"])],
        "dokumentbeskrivelse": [_document(1, message.subject or "(uten emne)", name, "message/rfc822", content, mail["sent_at"])],
        "virksomhetsspesifikkeMetadata": {"art": mail["kind"], "messageId": mail["message_id"], "svarPaa": record["message_id"] or ""},
    }


def _party(code: str, meaning: str, name: str, address: str) -> Json:
    return {
        "korrespondanseparttype": _code(code, meaning),
        "navn": name or address or "ukjent",
        "kontaktinformasjon": {"epostadresse": address},
    }


def _code(code: str, meaning: str) -> dict[str, str]:
    return {"kode": code, "kodenavn": meaning}


def _day(stamped: str) -> str:
    """The Norwegian day of a stored instant."""
    return date.isoformat(datetime.fromisoformat(stamped).astimezone(OSLO).date())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# ── the folder ────────────────────────────────────────────────────────────────────────────────────────────────


def prepare(folder: Path) -> None:
    """Make the folder of a hand-over, for its owner alone. Errors: ``Unfit`` when something lies there already."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise Unfit(f"{folder} is not empty; give a folder of its own for each hand-over")
    except OSError as error:
        raise Unfit(f"{folder} cannot be used ({error.strerror}); give a folder that can be made and written") from None


def lay_down(folder: Path, name: str, files: Mapping[str, bytes]) -> str:
    """Write one mail's folder; returns the checksum of its checksums."""
    for path, content in files.items():
        target = folder / name / path
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.write_bytes(content)
    return _sha256(files[SUMS])


def finish(folder: Path, batch: str, written: datetime, mails: Iterable[tuple[str, str, str]]) -> None:
    """Write the manifest, last of all and after everything else is on the disk: a folder without one cannot be acknowledged.

    ``mails``: (name of the folder, key, checksum).
    """
    rows = [{"folder": name, "key": key, "sha256": checksum} for name, key, checksum in mails]
    manifest = {"batch": batch, "written": written.isoformat(), "mails": rows}
    part = folder / f".{MANIFEST}.part"
    part.write_text(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    os.sync()
    os.replace(part, folder / MANIFEST)
    os.sync()


def read_back(folder: Path) -> Batch:
    """The hand-over in a folder, every file compared with its checksum. Errors: ``Unfit``, naming the file that is not as written."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        checksums = {str(row["key"]): str(row["sha256"]) for row in manifest["mails"]}
        for row in manifest["mails"]:
            _compare(folder, folder / str(row["folder"]), str(row["sha256"]))
        return Batch(str(manifest["batch"]), checksums)
    except (OSError, UnicodeDecodeError) as error:
        raise Unfit(f"{folder} is no finished hand-over ({type(error).__name__}: {getattr(error, 'filename', '') or MANIFEST})") from None
    except (ValueError, KeyError, TypeError):
        raise Unfit(f"{folder / MANIFEST} is not as it was written") from None


def _compare(folder: Path, place: Path, checksum: str) -> None:
    sums = (place / SUMS).read_bytes()
    if _sha256(sums) != checksum:
        raise Unfit(f"{(place / SUMS).relative_to(folder)} is not as it was written")
    for line in sums.decode().splitlines():
        expected, _, name = line.partition("  ")
        if _sha256((place / name).read_bytes()) != expected:
            raise Unfit(f"{(place / name).relative_to(folder)} is not as it was written")
