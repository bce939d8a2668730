"""What can be said of a PDF's signatures, with pyHanko and without network (domain.md § 4).

Facts only: whether the signed bytes are intact, whether they are the whole file, what came after, who the certificate says
signed and who issued it, whether a path leads to a configured anchor or a trusted list on the disk. Revocation is judged
only from what the file carries. Nothing here says that anybody was authorised to sign.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.qualified.assess import QualificationAssessor
from pyhanko.sign.validation.qualified.eutl_parse import trust_list_to_registry
from pyhanko.sign.validation.qualified.q_status import QualifiedStatus
from pyhanko.sign.validation.qualified.tsp import TSPRegistry, TSPTrustManager
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator import ValidationContext

SIGNATURES = 20  # an offer has one or two; more than this is not read


def reports(content: bytes, options: dict[str, Any]) -> list[dict[str, Any]]:
    """One report per signature, in the order of signing, as JSON values of ``bot.model.SignatureReport``."""
    try:
        signatures = list(PdfFileReader(io.BytesIO(content), strict=False).embedded_regular_signatures)[:SIGNATURES]
    except Exception as error:  # pyHanko's parser may meet anything; an unreadable signature is never a missing one
        return [_broken(f"the signature cannot be read ({type(error).__name__})")]
    fields = frozenset(signature.field_name for signature in signatures)
    return [_report(signature, fields, options) for signature in signatures]


def _report(signature: EmbeddedPdfSignature, fields: frozenset[str], options: dict[str, Any]) -> dict[str, Any]:
    try:
        status, trouble = _validate(signature, options)
    except Exception as error:  # same reason
        return _broken(f"the signature cannot be checked ({type(error).__name__})")
    certificate = status.signing_cert
    signed_at = status.signer_reported_dt or signature.self_reported_timestamp
    expired = _expired(certificate, signed_at, status)
    changed = _changed_after(status, fields)
    # an earlier signature covers the file as it was then; a later signature or validation data is no change of the document
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE or (
        status.coverage == SignatureCoverageLevel.ENTIRE_REVISION and not changed
    )
    notes = [*_notes(status, changed, expired), *trouble]
    return {
        "signer": _name(certificate.subject),
        "issuer": _name(certificate.issuer),
        "signed_at": signed_at.astimezone(UTC).isoformat() if signed_at is not None else None,
        "intact": bool(status.intact and status.valid),
        "whole": bool(whole),
        "changed_after": changed,
        "trusted": bool(status.trusted) or (_trusted_but_expired(signature, options) if expired else False),
        "expired": expired,
        "level": _level(status, options),
        "note": "; ".join(notes),
    }


def _validate(
    signature: EmbeddedPdfSignature, options: dict[str, Any], moment: datetime | None = None
) -> tuple[PdfSignatureStatus, list[str]]:
    """The status by the configured anchors, or by the trusted list where it says more; and what is wrong with the list."""
    status = validate_pdf_signature(signature, _anchored(options, moment))
    if not options.get("trusted_list"):
        return status, []
    try:
        registry = _registry(options["trusted_list"], tuple(options.get("trusted_list_certificates", ())))
        listed = validate_pdf_signature(
            signature, ValidationContext(trust_manager=TSPTrustManager(registry), allow_fetching=False, moment=moment)
        )
    except Exception as error:  # a list that is old, forged or not there says nothing of the document
        return status, [f"the trusted list cannot be used ({type(error).__name__})"]
    return (listed if listed.trusted else status), []


def _anchored(options: dict[str, Any], moment: datetime | None) -> ValidationContext:
    return ValidationContext(trust_roots=list(_certificates(tuple(options.get("anchors", ())))), allow_fetching=False, moment=moment)


@lru_cache(maxsize=8)
def _certificates(paths: tuple[str, ...]) -> tuple[x509.Certificate, ...]:
    found = []
    for path in paths:
        data = Path(path).read_bytes()
        if pem.detect(data):
            found += [x509.Certificate.load(der) for _, _, der in pem.unarmor(data, multiple=True)]
        else:
            found.append(x509.Certificate.load(data))
    return tuple(found)


@lru_cache(maxsize=1)
def _registry(path: str, certificates: tuple[str, ...]) -> TSPRegistry:
    """The trusted list on the disk (ETSI TS 119 612), its own signature checked against the operator's certificates."""
    registry, _ = trust_list_to_registry(Path(path).read_text(encoding="utf-8"), list(_certificates(certificates)))
    return registry


def _expired(certificate: x509.Certificate, signed_at: datetime | None, status: PdfSignatureStatus) -> bool:
    """Not valid at the time of signing as a trusted timestamp proves it, else not valid now: a claimed time proves nothing."""
    stamped = status.timestamp_validity
    moment = stamped.timestamp if stamped is not None and stamped.valid and stamped.trusted else datetime.now(UTC)
    return not certificate.not_valid_before <= moment <= certificate.not_valid_after


def _trusted_but_expired(signature: EmbeddedPdfSignature, options: dict[str, Any]) -> bool:
    """Whether the path would hold on the last day of the certificate: then it is expired, not foreign."""
    certificate = signature.signer_cert
    if certificate is None:
        return False
    try:
        return bool(_validate(signature, options, certificate.not_valid_after)[0].trusted)
    except Exception:  # the check is for the wording only
        return False


def _changed_after(status: PdfSignatureStatus, fields: frozenset[str]) -> bool:
    """Whether anything but further signatures and validation data was added after the signature."""
    if status.coverage == SignatureCoverageLevel.ENTIRE_FILE:
        return False
    level = status.modification_level
    return level is None or (level > ModificationLevel.LTA_UPDATES and not _only_signatures(status, fields))


def _only_signatures(status: PdfSignatureStatus, fields: frozenset[str]) -> bool:
    """Form filling that touched signature fields alone: a second person signing is no change."""
    if status.modification_level != ModificationLevel.FORM_FILLING:
        return False
    touched = getattr(status.diff_result, "changed_form_fields", None)
    return touched is not None and set(touched) <= fields


def _level(status: PdfSignatureStatus, options: dict[str, Any]) -> str:
    """``qualified`` and ``qualified-seal`` by the trusted list alone (Regulation (EU) 910/2014 art. 22): a certificate cannot make itself so."""
    qualified = _qualification(status, options)
    if qualified is not None and qualified.qualified:
        return "qualified-seal" if "SEAL" in qualified.qc_type.name else "qualified"
    return "seal" if _is_organisation(status.signing_cert) else "advanced"


def _qualification(status: PdfSignatureStatus, options: dict[str, Any]) -> QualifiedStatus | None:
    """What the trusted list makes of the path that was found; None without a list or a path."""
    if not options.get("trusted_list") or not status.trusted or status.validation_path is None:
        return None
    try:
        registry = _registry(options["trusted_list"], tuple(options.get("trusted_list_certificates", ())))
        result = QualificationAssessor(registry).check_entity_cert_qualified(status.validation_path)
    except Exception:  # an odd certificate or list: then nobody can say that it is qualified
        return None
    return result.status


def _is_organisation(certificate: x509.Certificate) -> bool:
    """A certificate that names an organisation and no person: a provider's seal, not somebody's signature."""
    names = certificate.subject.native
    return "organization_name" in names and not {"given_name", "surname", "serial_number"} & set(names)


def _name(name: x509.Name) -> str:
    native = name.native
    shown = native.get("common_name") or native.get("organization_name") or name.human_friendly
    return (", ".join(shown) if isinstance(shown, list) else str(shown))[:200]


def _notes(status: PdfSignatureStatus, changed: bool, expired: bool) -> list[str]:
    notes = []
    if not status.intact or not status.valid:
        notes.append("the signed bytes were changed")
    if changed:
        notes.append("something was added after the signature")
    if expired:
        notes.append("the certificate has expired")
    elif not status.trusted and status.intact and status.valid:
        notes.append("no path to a trusted issuer")
    return notes


def _broken(note: str) -> dict[str, Any]:
    return {
        "signer": "",
        "issuer": "",
        "signed_at": None,
        "intact": False,
        "whole": False,
        "changed_after": False,
        "trusted": False,
        "expired": False,
        "level": "",
        "note": note,
    }
