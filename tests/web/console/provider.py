"""A small OpenID Connect provider on loopback, with keys of its own: discovery, authorisation, tokens, keys (Core 1.0, RFC 7636).

It asks nobody for a password: ``person`` says who is logged in there. ``flaw`` makes it lie in one way, to be caught.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

CLIENT, SECRET = "console-client", "s3cret-of-the-console"


def new_key() -> RSAKey:
    """A signing key."""
    return RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig", "alg": "RS256"})


@dataclass
class Provider:
    """The provider; ``issuer`` once it listens."""

    person: dict[str, Any] = field(
        default_factory=lambda: {"sub": "u-1", "preferred_username": "Kari.Lund@ssb.example", "roles": ["bot-lead"]}
    )
    flaw: str = ""
    key: RSAKey = field(default_factory=new_key)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __enter__(self) -> Provider:
        """Listen on a free port of loopback."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()

    def authorise(self, query: dict[str, str]) -> str:
        """Where the browser goes on to: back to the client with a code that works once."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        state = "another" if self.flaw == "state" else query["state"]
        answer = {"error": "access_denied", "state": state} if self.flaw == "denied" else {"code": code, "state": state, "iss": self.issuer}
        if self.flaw == "mixed-up":
            answer["iss"] = "https://evil.example"
        return f"{query['redirect_uri']}?{urlencode(answer)}"

    def token(self, form: dict[str, str], client: str) -> tuple[int, dict[str, Any]]:
        """The answer of the token endpoint."""
        query = self.codes.pop(form.get("code", ""), None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        right = (
            query is not None
            and client == f"{CLIENT}:{SECRET}"
            and query["code_challenge"] == proof
            and query["code_challenge_method"] == "S256"
        )
        if not right or query is None or query["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "id_token": self.identity(query["nonce"])}

    def identity(self, nonce: str) -> str:
        """The identity token, signed; with the flaw that is wanted."""
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce, **self.person}
        claims |= {
            "audience": {"aud": "somebody-else"},
            "several": {"aud": [CLIENT, "somebody-else"], "azp": "somebody-else"},
            "issuer": {"iss": "https://evil.example"},
            "expired": {"iat": now - 4000, "exp": now - 3000},
            "nonce": {"nonce": "replayed"},
        }.get(self.flaw, {})
        if self.flaw == "unsigned":
            parts = ({"alg": "none"}, claims)
            return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."
        if self.flaw == "shared-secret":  # signed with the public key as if it were a secret (RFC 8725 § 2.1)
            return jwt.encode({"alg": "HS256", "kid": self.key.kid}, claims, OctKey.import_key(self.key.as_pem(private=False)))
        signer = RSAKey.generate_key(2048, {"kid": self.key.kid}) if self.flaw == "forged" else self.key
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, signer)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, query = urlsplit(self.path).path, {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                provider.asked.append(path)
                if path == "/.well-known/openid-configuration":
                    found = {name: f"{provider.issuer}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
                    self._json(200, {"issuer": "https://evil.example" if provider.flaw == "discovery" else provider.issuer, **found})
                elif path == "/jwks_uri":
                    self._json(200, KeySet([provider.key]).as_dict(private=False))
                else:
                    self.send_response(303)
                    self.send_header("Location", provider.authorise(query))
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                scheme, _, value = self.headers.get("Authorization", "").partition(" ")
                client = base64.b64decode(value).decode() if scheme == "Basic" else ""
                self._json(*provider.token({name: values[0] for name, values in parse_qs(body).items()}, client))

            def _json(self, status: int, value: object) -> None:
                content = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
