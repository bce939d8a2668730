"""An identity platform for the tests: a certification authority, a TLS token endpoint (RFC 6749 § 4.4) and token introspection for Dovecot."""

from __future__ import annotations

import json
import secrets
import ssl
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TENANT, CLIENT, SECRET = "tenant.example", "client-1", "s3cret-of-the-client"


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files of an authority of our own and of a server on loopback."""

    authority: Path
    certificate: Path
    key: Path


def certificates(folder: Path, *, name: str = "127.0.0.1") -> Certificates:
    """A new authority and a certificate of it for ``name`` (an IP address or a host name)."""
    folder.mkdir(parents=True, exist_ok=True)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test Root CA")])
    root = _signed(root_name, root_name, root_key, root_key, x509.BasicConstraints(True, 0))
    try:
        alternative: x509.GeneralName = x509.IPAddress(ip_address(name))
    except ValueError:
        alternative = x509.DNSName(name)
    own_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    own = _signed(own_name, root_name, key, root_key, x509.SubjectAlternativeName([alternative]))
    made = Certificates(folder / "root.pem", folder / "server.pem", folder / "server.key")
    made.authority.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    made.certificate.write_bytes(own.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    made.key.write_bytes(key.private_bytes(*plain))
    return made


def _signed(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    by: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).add_extension(extension, critical=subject == issuer)
    return builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=2)).sign(by, hashes.SHA256())


@dataclass
class Platform:
    """The identity platform; ``port`` speaks TLS to clients, ``plain_port`` tells Dovecot what a token is worth."""

    user: str
    papers: Certificates
    expires_in: int = 3600
    refusal: str = ""  # an OAuth2 error code given instead of a token
    secret: str = SECRET
    given: list[str] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)

    def __enter__(self) -> Platform:
        """Listen on two free ports of loopback."""
        self._plain = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._tls = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.papers.certificate, self.papers.key)
        self._tls.socket = context.wrap_socket(self._tls.socket, server_side=True)
        self.port, self.plain_port = self._tls.server_address[1], self._plain.server_address[1]
        for server in (self._plain, self._tls):
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        for server in (self._plain, self._tls):
            server.shutdown()
            server.server_close()

    @property
    def authority(self) -> str:
        """For ``oauth2.authority``."""
        return f"https://127.0.0.1:{self.port}"

    def passdb(self, folder: Path) -> str:
        """Dovecot's passdb that asks us; writes its argument file into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        arguments = folder / "oauth2.conf.ext"
        arguments.write_text(
            f"tokeninfo_url = http://127.0.0.1:{self.plain_port}/tokeninfo?access_token=\n"
            "username_attribute = user\nactive_attribute = active\nactive_value = yes\n"
        )
        return f"passdb {{\n  driver = oauth2\n  mechanisms = xoauth2\n  args = {arguments}\n}}"

    def good(self, token: str) -> bool:
        """Whether a token was given and is not revoked."""
        return token in self.given and token not in self.revoked

    def answer(self, path: str, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        """What we say to one request."""
        parts = urlsplit(path)
        if parts.path == "/tokeninfo":
            token = parse_qs(parts.query).get("access_token", [""])[0]
            return (200, {"user": self.user, "active": "yes"}) if self.good(token) else (401, {"error": "invalid_token"})
        if parts.path.endswith("/.well-known/openid-configuration"):
            base = f"{self.authority}/{TENANT}"
            return 200, {"issuer": f"{base}/v2.0", "token_endpoint": f"{base}/token", "authorization_endpoint": f"{base}/authorize"}
        if self.refusal:
            return 400, {"error": self.refusal, "error_description": "the administrator has taken the consent back"}
        if form.get("client_secret") != [self.secret] or form.get("grant_type") != ["client_credentials"]:
            return 401, {"error": "invalid_client"}
        self.given.append(secrets.token_urlsafe(24))
        return 200, {"access_token": self.given[-1], "token_type": "Bearer", "expires_in": self.expires_in}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        platform = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._say({})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self._say(parse_qs(body.decode()))

            def _say(self, form: dict[str, list[str]]) -> None:
                status, answer = platform.answer(self.path, form)
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        return Handler
