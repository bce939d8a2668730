"""PDFs that are really signed, by certificates of an authority of the test's own, and a trusted list that names it."""

from __future__ import annotations

import base64
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asn1crypto import core, keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID, ObjectIdentifier
from lxml import etree
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko_certvalidator.registry import SimpleCertificateStore
from signxml import methods
from signxml.xades import XAdESDataObjectFormat, XAdESSigner

DAY = timedelta(days=1)
QC_STATEMENTS = ObjectIdentifier("1.3.6.1.5.5.7.1.3")  # RFC 3739 § 3.2.6; ETSI EN 319 412-5
USAGE = dict.fromkeys(
    ("key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only", "crl_sign", "key_cert_sign"), False
)


def _name(**parts: str) -> x509.Name:
    oids = {
        "common": NameOID.COMMON_NAME,
        "given": NameOID.GIVEN_NAME,
        "surname": NameOID.SURNAME,
        "organisation": NameOID.ORGANIZATION_NAME,
        "country": NameOID.COUNTRY_NAME,
    }
    return x509.Name([x509.NameAttribute(oids[key], value) for key, value in parts.items()])


def _qualified() -> x509.UnrecognizedExtension:
    """QcCompliance and QcType esign: the certificate says of itself that it is qualified; only a trusted list makes it true."""

    class Oids(core.SequenceOf):  # type: ignore[misc]
        _child_spec = core.ObjectIdentifier

    class Statement(core.Sequence):  # type: ignore[misc]
        _fields = [("id", core.ObjectIdentifier), ("info", core.Any, {"optional": True})]  # noqa: RUF012

    class Statements(core.SequenceOf):  # type: ignore[misc]
        _child_spec = Statement

    compliance = Statement({"id": "0.4.0.1862.1.1"})
    kind = Statement({"id": "0.4.0.1862.1.6", "info": core.Any(Oids(["0.4.0.1862.1.6.1"]))})
    return x509.UnrecognizedExtension(QC_STATEMENTS, Statements([compliance, kind]).dump())


@dataclass
class Signer:
    """A certificate with its key, and the root that it leads to."""

    certificate: bytes
    key: bytes
    root: bytes

    def sign(self, pdf: bytes, field: str = "Signature1") -> bytes:
        """The PDF with one more signature (PAdES baseline B, no timestamp). In a thread, for pyHanko runs a loop of its own."""
        with ThreadPoolExecutor(1) as apart:
            return apart.submit(self._sign, pdf, field).result()

    def _sign(self, pdf: bytes, field: str) -> bytes:
        store = SimpleCertificateStore()
        store.register(asn1_x509.Certificate.load(self.root))
        signer = signers.SimpleSigner(
            signing_cert=asn1_x509.Certificate.load(self.certificate),
            signing_key=keys.PrivateKeyInfo.load(self.key),
            cert_registry=store,
        )
        meta = signers.PdfSignatureMetadata(field_name=field, subfilter=SigSeedSubFilter.PADES)
        out = signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), meta, signer=signer, output=io.BytesIO())
        signed: bytes = out.getvalue()
        return signed


class Authority:
    """A certification authority of the test's own."""

    def __init__(self, name: str = "Test Root CA") -> None:
        """A new root."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(common=name, organisation=f"{name} AS", country="NO")
        self.root = self._certificate(self._name, self._key.public_key(), is_root=True, days=3650)

    def person(self, first: str, last: str, *, days: int = 365, qualified: bool = False) -> Signer:
        """A person's certificate; ``days`` below zero: it ran out so long ago."""
        return self._signer(_name(common=f"{first} {last}", given=first, surname=last, country="NO"), days, qualified)

    def seal(self, organisation: str) -> Signer:
        """A signing service's certificate, which names no person."""
        return self._signer(_name(common=organisation, organisation=organisation, country="NO"), 365, False)

    def pem(self, folder: Path) -> str:
        """The root as a file."""
        path = folder / "root.pem"
        path.write_bytes(self.root.public_bytes(serialization.Encoding.PEM))
        return str(path)

    def _signer(self, subject: x509.Name, days: int, qualified: bool) -> Signer:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate(subject, key.public_key(), days=days, qualified=qualified)
        der = serialization.Encoding.DER
        plain = key.private_bytes(der, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return Signer(certificate.public_bytes(der), plain, self.root.public_bytes(der))

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, days: int, is_root: bool = False, qualified: bool = False
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        usage = {**USAGE, "key_cert_sign": is_root, "crl_sign": is_root}
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 700 * DAY)
            .not_valid_after(now + days * DAY)
            .add_extension(x509.BasicConstraints(ca=is_root, path_length=0 if is_root else None), critical=True)
            .add_extension(x509.KeyUsage(digital_signature=not is_root, content_commitment=not is_root, **usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )
        if qualified:
            builder = builder.add_extension(_qualified(), critical=False)
        return builder.sign(self._key, hashes.SHA256())


# ── a trusted list on the disk ────────────────────────────────────────────────────────────────────────────────

TSL = "http://uri.etsi.org/02231/v2#"
LIST = """<TrustServiceStatusList xmlns="{tsl}" Id="tsl" TSLTag="http://uri.etsi.org/19612/TSLTag">
<SchemeInformation>
<TSLVersionIdentifier>6</TSLVersionIdentifier><TSLSequenceNumber>1</TSLSequenceNumber>
<TSLType>http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUgeneric</TSLType>
<SchemeOperatorName><Name xml:lang="en">Supervisor of the test</Name></SchemeOperatorName>
<SchemeOperatorAddress><PostalAddresses><PostalAddress xml:lang="en"><StreetAddress>Street 1</StreetAddress><Locality>Oslo</Locality>
<CountryName>NO</CountryName></PostalAddress></PostalAddresses>
<ElectronicAddress><URI xml:lang="en">mailto:tl@supervisor.example</URI></ElectronicAddress></SchemeOperatorAddress>
<SchemeName><Name xml:lang="en">NO:Trusted list of the test</Name></SchemeName>
<SchemeInformationURI><URI xml:lang="en">https://supervisor.example/tl</URI></SchemeInformationURI>
<StatusDeterminationApproach>http://uri.etsi.org/TrstSvc/TrustedList/StatusDetn/EUappropriate</StatusDeterminationApproach>
<SchemeTypeCommunityRules><URI xml:lang="en">http://uri.etsi.org/TrstSvc/TrustedList/schemerules/EUcommon</URI></SchemeTypeCommunityRules>
<SchemeTerritory>NO</SchemeTerritory>
<PolicyOrLegalNotice><TSLLegalNotice xml:lang="en">none</TSLLegalNotice></PolicyOrLegalNotice>
<HistoricalInformationPeriod>65535</HistoricalInformationPeriod>
<ListIssueDateTime>{issued}</ListIssueDateTime><NextUpdate><dateTime>{next}</dateTime></NextUpdate>
</SchemeInformation>
<TrustServiceProviderList><TrustServiceProvider>
<TSPInformation><TSPName><Name xml:lang="en">Test Root CA AS</Name></TSPName>
<TSPAddress><PostalAddresses><PostalAddress xml:lang="en"><StreetAddress>Street 2</StreetAddress><Locality>Oslo</Locality>
<CountryName>NO</CountryName></PostalAddress></PostalAddresses>
<ElectronicAddress><URI xml:lang="en">mailto:ca@provider.example</URI></ElectronicAddress></TSPAddress>
<TSPInformationURI><URI xml:lang="en">https://provider.example</URI></TSPInformationURI></TSPInformation>
<TSPServices><TSPService><ServiceInformation>
<ServiceTypeIdentifier>http://uri.etsi.org/TrstSvc/Svctype/CA/QC</ServiceTypeIdentifier>
<ServiceName><Name xml:lang="en">Test Root CA, qualified</Name></ServiceName>
<ServiceDigitalIdentity><DigitalId><X509Certificate>{root}</X509Certificate></DigitalId></ServiceDigitalIdentity>
<ServiceStatus>http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted</ServiceStatus>
<StatusStartingTime>{since}</StatusStartingTime>
<ServiceInformationExtensions><Extension Critical="true"><AdditionalServiceInformation>
<URI xml:lang="en">http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/ForeSignatures</URI></AdditionalServiceInformation></Extension>
</ServiceInformationExtensions>
</ServiceInformation></TSPService></TSPServices>
</TrustServiceProvider></TrustServiceProviderList>
</TrustServiceStatusList>"""


def trusted_list(folder: Path, authority: Authority) -> tuple[str, str]:
    """(the list, the certificate that it is signed with) as files: ETSI TS 119 612 with a XAdES signature, one provider on it."""
    now = datetime.now(UTC)
    der = authority.root.public_bytes(serialization.Encoding.DER)
    xml = LIST.format(
        tsl=TSL,
        issued=(now - DAY).strftime("%Y-%m-%dT%H:%M:%SZ"),
        next=(now + 100 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ"),
        since=(now - 3000 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ"),
        root=base64.b64encode(der).decode(),
    )
    key = rsa.generate_private_key(65537, 2048)
    name = _name(common="Supervisor of the test", organisation="Supervisor", country="NO")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 100 * DAY)
        .not_valid_after(now + 900 * DAY)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    signer = XAdESSigner(
        method=methods.enveloped,
        signature_algorithm="rsa-sha256",
        digest_algorithm="sha256",
        c14n_algorithm="http://www.w3.org/2006/12/xml-c14n11",
        data_object_format=XAdESDataObjectFormat(Description="", MimeType="text/xml"),
    )
    signed = signer.sign(etree.fromstring(xml.encode()), key=key, cert=[certificate], always_add_key_value=False)
    place, own = folder / "tl.xml", folder / "tl-signer.pem"
    place.write_bytes(etree.tostring(signed, xml_declaration=True, encoding="UTF-8"))
    own.write_bytes(pem)
    return str(place), str(own)
