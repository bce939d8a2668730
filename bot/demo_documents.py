"""The demo's documents: an offer as PDF, signed by a certificate of the demo's own authority, and one changed afterwards."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey as Key
    from cryptography.x509 import BasicConstraints, Certificate, ObjectIdentifier

    Names = dict[ObjectIdentifier, str]


def offer_pdf(*lines: str) -> bytes:
    """A one-page PDF with a text layer."""
    shown = [line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for line in lines]
    page = ("BT /F1 11 Tf 14 TL 56 780 Td " + " ".join(f"({line}) Tj T*" for line in shown) + " ET").encode("cp1252", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n" % len(page) + page + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    out, offsets = io.BytesIO(), []
    out.write(b"%PDF-1.7\n")
    for number, body in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n" % number + body + b"\nendobj\n")
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    for offset in offsets:
        out.write(b"%010d 00000 n \n" % offset)
    out.write(b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))
    return out.getvalue()


USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("encipher_only", "decipher_only", "crl_sign", "key_cert_sign"),
)  # RFC 5280 § 4.2.1.3


def _certificate(
    subject: Names, issuer: Names, key: Key, by: Key, days: tuple[int, int], constraints: BasicConstraints, usages: tuple[str, ...]
) -> Certificate:
    """A certificate of ``key``, signed with the key ``by``; ``days`` from now to its beginning and its end."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(kind, value) for kind, value in subject.items()]))
        .issuer_name(x509.Name([x509.NameAttribute(kind, value) for kind, value in issuer.items()]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(constraints, critical=True)
        .add_extension(x509.KeyUsage(**{usage: usage in usages for usage in USAGES}), critical=True)
        .sign(by, hashes.SHA256())
    )


class Authority:
    """A certification authority for the demo: one root, one signer."""

    def __init__(self, folder: Path, signer: str) -> None:
        """Writes its own certificate into ``folder``; ``signer``: first and last name."""
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
        from cryptography.x509.oid import NameOID

        root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        issuer = {NameOID.COMMON_NAME: "Demo Root CA", NameOID.COUNTRY_NAME: "NO"}
        person = {NameOID.COMMON_NAME: signer, NameOID.GIVEN_NAME: signer.split()[0], NameOID.SURNAME: signer.split()[-1]}
        authority = x509.BasicConstraints(ca=True, path_length=0)
        nobody = x509.BasicConstraints(ca=False, path_length=None)
        root = _certificate(issuer, issuer, root_key, root_key, (-3650, 3650), authority, ("key_cert_sign", "crl_sign"))
        own = _certificate(person, issuer, key, root_key, (-700, 365), nobody, ("digital_signature", "content_commitment"))
        self.root = folder / "demo-root-ca.pem"
        self.root.write_bytes(root.public_bytes(Encoding.PEM))
        self._key = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        self._certificate, self._root = own.public_bytes(Encoding.DER), root.public_bytes(Encoding.DER)

    def sign(self, pdf: bytes, field: str = "Signature1") -> bytes:
        """The PDF with one more signature (PAdES baseline, no timestamp)."""
        from asn1crypto import keys, x509
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
        from pyhanko.sign import signers
        from pyhanko.sign.fields import SigSeedSubFilter
        from pyhanko_certvalidator.registry import SimpleCertificateStore

        store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        store.register(x509.Certificate.load(self._root))
        signer = signers.SimpleSigner(
            signing_cert=x509.Certificate.load(self._certificate), signing_key=keys.PrivateKeyInfo.load(self._key), cert_registry=store
        )
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
        meta = signers.PdfSignatureMetadata(field_name=field, subfilter=SigSeedSubFilter.PADES)
        out: io.BytesIO = signers.sign_pdf(writer, meta, signer=signer, output=io.BytesIO())
        return out.getvalue()


def tampered(signed: bytes, old: bytes, new: bytes) -> bytes:
    """A signed file with some bytes changed afterwards. ``old`` and ``new`` are of the same length."""
    assert len(old) == len(new) and signed.count(old) == 1
    return signed.replace(old, new)
