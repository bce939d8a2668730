"""The demo's documents: an offer as PDF, signed by a certificate of the demo's own authority, and one changed afterwards."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path


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


class Authority:
    """A certification authority for the demo and the tests: one root, one signer."""

    def __init__(self, folder: Path, signer: str, *, days: int = 365, name: str = "Demo Root CA") -> None:
        """Writes ``root.pem`` into ``folder``. ``days`` < 0 makes a certificate that has expired."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID

        now = datetime.now(UTC)
        root_key, signer_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.COUNTRY_NAME, "NO")])
        signer_name = x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, signer),
                x509.NameAttribute(NameOID.GIVEN_NAME, signer.split()[0]),
                x509.NameAttribute(NameOID.SURNAME, signer.split()[-1]),
            ]
        )
        usage = dict.fromkeys(
            ("key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only", "crl_sign", "key_cert_sign"), False
        )
        root = (
            x509.CertificateBuilder()
            .subject_name(root_name)
            .issuer_name(root_name)
            .public_key(root_key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=3650))
            .not_valid_after(now + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(
                x509.KeyUsage(digital_signature=False, content_commitment=False, **{**usage, "key_cert_sign": True, "crl_sign": True}),
                critical=True,
            )
            .sign(root_key, hashes.SHA256())
        )
        certificate = (
            x509.CertificateBuilder()
            .subject_name(signer_name)
            .issuer_name(root_name)
            .public_key(signer_key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=700))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(digital_signature=True, content_commitment=True, **usage), critical=True)
            .sign(root_key, hashes.SHA256())
        )
        self.root = folder / f"{name.lower().replace(' ', '-')}.pem"
        self.root.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        self._key = signer_key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        self._certificate = certificate.public_bytes(serialization.Encoding.DER)
        self._root = root.public_bytes(serialization.Encoding.DER)

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
