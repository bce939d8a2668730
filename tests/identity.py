"""An identity platform for the tests: a TLS token endpoint (RFC 6749 § 4.4), and Dovecot's question what a token is worth."""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.servers import Certificates

TENANT, CLIENT, SECRET = "tenant.example", "client-1", "s3cret-of-the-client"


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
        self._tls.socket = self.papers.context.wrap_socket(self._tls.socket, server_side=True)
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
