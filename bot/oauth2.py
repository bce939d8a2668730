"""Access tokens for Exchange Online: OAuth2 client credentials with msal (RFC 6749 § 4.4).

There is no refresh token to lose: the client asks for a new token with its own secret before the old one ends, and at once
when the server rejects one. What the identity platform refuses for good (revoked consent, wrong secret) is told apart from
what may pass, so that the alarm can say what to mend.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from bot.config import OAuth2

SECONDS = 30  # that the platform may take
RENEW_SECONDS = 300  # before the end of a token; clocks differ by less

# Entra ID's codes that asking again does not mend (learn.microsoft.com, reference-error-codes)
FINAL = {"invalid_client", "unauthorized_client", "invalid_scope", "access_denied", "consent_required", "invalid_grant"}


class TokenRefused(OSError):
    """No token: ``final`` when an administrator must act. The text holds the platform's error code, never the secret."""

    def __init__(self, code: str, final: bool) -> None:
        """``code`` is the OAuth2 error code."""
        super().__init__(f"the identity platform gave no token ({code})")
        self.code, self.final = code, final


class Tokens:
    """One token for all connections, renewed before it ends. Safe to be used from several threads."""

    _of: ClassVar[dict[tuple[str, str, str], Tokens]] = {}
    _guard = threading.Lock()

    def __init__(self, ask: Callable[[], dict[str, Any]], clock: Callable[[], float] = time.monotonic) -> None:
        """``ask`` fetches a fresh token response (RFC 6749 § 5)."""
        self._ask, self._clock = ask, clock
        self._lock = threading.Lock()
        self._token, self._ends = "", 0.0

    @classmethod
    def of(cls, section: OAuth2) -> Tokens:
        """The one ``Tokens`` of a configuration. Errors: ``ConfigError`` when the secret cannot be read."""
        key = (section.tenant, section.client_id, section.authority)
        with cls._guard:
            if key not in cls._of:
                cls._of[key] = cls(_asker(section))
            return cls._of[key]

    def fetch(self, anew: bool) -> str:
        """A token that is good now; ``anew``: the last one was rejected. Errors: ``TokenRefused``."""
        with self._lock:
            if anew or not self._token or self._clock() >= self._ends - RENEW_SECONDS:
                self._renew()
            return self._token

    def _renew(self) -> None:
        try:
            answer = self._ask()
        except (OSError, ValueError) as error:  # network trouble, or a page that is no token endpoint
            raise TokenRefused(type(error).__name__, final=False) from None
        if "access_token" not in answer:
            code = str(answer.get("error", "no answer"))[:60]
            raise TokenRefused(code, final=code in FINAL)
        self._token = str(answer["access_token"])
        self._ends = self._clock() + float(answer.get("expires_in", 3600))


def _asker(section: OAuth2) -> Callable[[], dict[str, Any]]:
    import msal
    import requests

    secret = section.secret()
    session = requests.Session()
    # given with each request, since requests lets REQUESTS_CA_BUNDLE win over the session's own (psf/requests#3829)
    session.request = partial(session.request, timeout=SECONDS, verify=section.ca_file or None)  # type: ignore[method-assign]

    def ask() -> dict[str, Any]:
        # a new application each time: msal's cache would hand out the token that the server has just rejected
        application = msal.ConfidentialClientApplication(
            section.client_id,
            client_credential=secret,
            authority=f"{section.authority.rstrip('/')}/{section.tenant}",
            instance_discovery=section.authority.startswith("https://login.microsoftonline.com"),
            http_client=session,
        )
        answer: dict[str, Any] = application.acquire_token_for_client([section.scope])
        return answer

    return ask
