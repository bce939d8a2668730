"""Log-in through OpenID Connect: the authorisation code flow with PKCE, state and nonce; the identity token is proven by its signature.

Sources: OpenID Connect Core 1.0 § 3.1, RFC 7636 (PKCE), RFC 9207 (issuer in the answer), RFC 9700 (best current practice).
Roles come from a claim (Entra ID: app roles); somebody without a configured role is not let in. Local accounts stay beside it.
"""

from __future__ import annotations

import asyncio
import hmac
import math
import secrets
import ssl
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from bot.config import Oidc, Settings
from bot.store.accounts import ROLES, Account
from bot.web.login import NAME, begin_session, get_cookie, inside, set_cookie

if TYPE_CHECKING:
    from bot.web.desk.page import Console

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]  # asymmetric ones alone: neither "none" nor a shared secret
TIMEOUT = 10.0  # seconds for each call to the provider
KEEP_SECONDS = 3600.0  # how long discovery and keys are kept
AGAIN_SECONDS = 60.0  # an unknown key makes us look again, but not more often than this
LEEWAY = 60  # seconds by which clocks may differ
STARTED = 600  # seconds that a log-in may take
COOKIE = "console_oidc"


class NoEntry(Exception):
    """The log-in server's answer lets nobody in; ``word`` is a key of the console's words."""

    def __init__(self, word: str, why: str) -> None:
        """``why`` is for the log: never a token or a name."""
        super().__init__(why)
        self.word = word


@dataclass(slots=True)
class Provider:
    """What is known of the log-in server, fetched when it is first needed."""

    settings: Oidc
    secret: str = field(repr=False)
    _found: dict[str, Any] = field(default_factory=dict)
    _keys: KeySet | None = None
    _at: float = 0.0
    _again: float = -math.inf  # when keys were last fetched because a token did not fit them
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def _client(self, redirect: str = "") -> AsyncOAuth2Client:
        verify = ssl.create_default_context(cafile=self.settings.ca_file) if self.settings.ca_file else True
        return AsyncOAuth2Client(
            self.settings.client_id,
            self.secret,
            scope="openid profile email",
            redirect_uri=redirect,
            code_challenge_method="S256",
            timeout=TIMEOUT,
            verify=verify,
            follow_redirects=False,
        )

    async def _load(self, oldest: float) -> None:
        """Discovery document and keys, unless they are younger than ``oldest`` (seconds of a monotonic clock)."""
        async with self._lock:
            if self._keys is not None and self._at >= oldest:
                return
            async with self._client() as client:
                issuer = self.settings.issuer.rstrip("/")
                document = await client.request("GET", f"{issuer}/.well-known/openid-configuration", withhold_token=True)
                found = document.raise_for_status().json()
                if str(found.get("issuer", "")).rstrip("/") != issuer:
                    raise NoEntry("login.oidc_failed", "the discovery document names another issuer")
                keys = (await client.request("GET", found["jwks_uri"], withhold_token=True)).raise_for_status().json()
            self._found, self._keys, self._at = found, KeySet.import_key_set(keys), time.monotonic()

    async def address(self, redirect: str, state: str, nonce: str, verifier: str) -> str:
        """Where the browser is sent."""
        await self._load(time.monotonic() - KEEP_SECONDS)
        async with self._client(redirect) as client:
            target, _ = client.create_authorization_url(
                self._found["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
            )
        return str(target)

    async def claims(self, code: str, redirect: str, verifier: str, nonce: str) -> dict[str, Any]:
        """What the provider says of the person, proven. Errors: ``NoEntry``."""
        await self._load(time.monotonic() - KEEP_SECONDS)
        async with self._client(redirect) as client:
            try:
                answer = await client.fetch_token(self._found["token_endpoint"], code=code, code_verifier=verifier)
            except OAuthError as error:
                raise NoEntry("login.oidc_failed", f"the token endpoint answered {error.error}") from None
        return await self._proven(str(answer.get("id_token", "")), nonce)

    async def _proven(self, token: str, nonce: str) -> dict[str, Any]:
        """The claims of an identity token whose signature, issuer, audience, times and nonce are right (Core § 3.1.3.7)."""
        wanted = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": str(self._found["issuer"])},
            aud={"essential": True, "value": self.settings.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = self._read(token, wanted)
        except (ValueError, JoseError) as error:
            if time.monotonic() - self._again < AGAIN_SECONDS:
                raise _unproven(error) from None
            self._again = time.monotonic()
            await self._load(self._again)  # the provider may have changed its keys
            try:
                claims = self._read(token, wanted)
            except (ValueError, JoseError) as still:
                raise _unproven(still) from None
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != self.settings.client_id:
            raise NoEntry("login.oidc_failed", "the identity token is for several and not issued to us")
        return claims

    def _read(self, token: str, wanted: jwt.JWTClaimsRegistry) -> dict[str, Any]:
        assert self._keys is not None
        claims = jwt.decode(token, self._keys, algorithms=ALGORITHMS).claims
        wanted.validate(claims)
        return claims


def _unproven(error: Exception) -> NoEntry:
    return NoEntry("login.oidc_failed", f"the identity token is not proven ({type(error).__name__})")


def account_of(claims: dict[str, Any], settings: Oidc) -> Account:
    """The account of a proven person: named by user name or e-mail, with the highest role that the claim gives. Errors: ``NoEntry``."""
    given = claims.get(settings.roles_claim, [])
    values = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    roles = [settings.roles[value] for value in values if isinstance(value, str) and value in settings.roles]
    if not roles:
        raise NoEntry("login.oidc_no_role", "no configured role in the claim")
    person = f"{claims['iss']} {claims['sub']}"
    unverified = claims.get("email_verified") is False
    for name in (claims.get("preferred_username"), None if unverified else claims.get("email")):
        if isinstance(name, str) and NAME.fullmatch(name.lower()):
            return Account(name.lower(), max(roles, key=ROLES.index), "", oidc=person)
    raise NoEntry("login.oidc_failed", "no usable name")


# ── pages ─────────────────────────────────────────────────────────────────────────────────────────────────────


def add(router: APIRouter, console: Console) -> None:
    """Go to the provider, come back from it. Where none is configured both lead to the log-in."""
    if console.settings.oidc.issuer:
        pages = Entrance(console)
        router.add_api_route("/oidc/start", pages.start)
        router.add_api_route("/oidc/back", pages.back)
        return
    for path in ("/oidc/start", "/oidc/back"):
        router.add_api_route(path, _to_login)


async def _to_login() -> Response:
    return RedirectResponse("/console/login", 303)


class Entrance:
    """The way to the provider and back."""

    def __init__(self, console: Console) -> None:
        """A provider is configured. Errors: ``ConfigError`` when the client's secret cannot be read."""
        self._console, self._settings = console, console.settings
        self._provider = Provider(console.settings.oidc, console.settings.oidc.secret())

    async def start(self, request: Request) -> Response:
        """To the provider; what the answer must fit is kept in a cookie."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        try:
            target = await self._provider.address(_redirect(self._settings, request), state, nonce, verifier)
        except (NoEntry, httpx2.HTTPError, ValueError, KeyError) as error:
            self._console.parts.journal.trouble("oidc", "start", error)
            return RedirectResponse("/console/login?fault=oidc_failed", 303)
        response = RedirectResponse(target, 303)
        kept = urlsafe_b64encode("\n".join((state, nonce, verifier, inside(request.query_params.get("next", "")))).encode()).decode()
        # the way back begins at the provider: a strict cookie would not come along
        set_cookie(response, request, self._settings, COOKIE, kept, STARTED, same_site="lax")
        return response

    async def back(self, request: Request) -> Response:
        """From the provider: into the console, or to the log-in with the reason."""
        try:
            account, target = await self._proven(request)
            await _enter(self._console, account)
        except (NoEntry, httpx2.HTTPError, ValueError, KeyError) as error:
            self._console.parts.journal.trouble("oidc", "back", error)
            word = error.word.partition(".")[2] if isinstance(error, NoEntry) else "oidc_failed"
            response = RedirectResponse(f"/console/login?fault={word}", 303)
            set_cookie(response, request, self._settings, COOKIE, "", 0, same_site="lax")
            return response
        # a page of ours that leads on: the session's cookie is strict, and this request comes from the provider's site
        page = self._console.bare_page(request, "again.html.jinja", target=target)
        await begin_session(self._console, request, page, account.name)
        set_cookie(page, request, self._settings, COOKIE, "", 0, same_site="lax")
        return page

    async def _proven(self, request: Request) -> tuple[Account, str]:
        """Who it is, and the page that was wanted. Errors: ``NoEntry``; those of the transport; ``ValueError``, ``KeyError``."""
        state, nonce, verifier, target = _kept(get_cookie(request, self._settings, COOKIE))
        asked, oidc = request.query_params, self._settings.oidc
        if not state or not hmac.compare_digest(state.encode(), asked.get("state", "").encode()):
            raise NoEntry("login.oidc_failed", "the state is not ours")
        if asked.get("iss", oidc.issuer).rstrip("/") != oidc.issuer.rstrip("/"):
            raise NoEntry("login.oidc_failed", "the answer comes from another issuer")
        if "code" not in asked:
            raise NoEntry("login.oidc_failed", "no code in the answer")
        claims = await self._provider.claims(asked["code"], _redirect(self._settings, request), verifier, nonce)
        return account_of(claims, oidc), target


def _redirect(settings: Settings, request: Request) -> str:
    public = settings.web.public_url.rstrip("/") if settings.web is not None else ""
    return f"{public or str(request.base_url).rstrip('/')}/console/oidc/back"


def _kept(cookie: str) -> tuple[str, str, str, str]:
    """What was kept of the beginning. Errors: ``ValueError``."""
    parts = urlsafe_b64decode(cookie.encode()).decode().split("\n")
    if len(parts) != 4:
        raise ValueError("the log-in was not begun here")
    return parts[0], parts[1], parts[2], inside(parts[3])


async def _enter(console: Console, account: Account) -> None:
    """Make or bring up to date the account of a person; a name that is a local account's, or another person's, is not theirs."""
    now = console.parts.clock()

    def work(tx: Any) -> None:
        known = tx.account(account.name)
        if known is None:
            tx.add_account(account, now, actor="oidc")
        elif known.oidc != account.oidc:
            raise NoEntry("login.oidc_taken", "the name belongs to another account")
        elif known.disabled:
            raise NoEntry("login.oidc_no_role", "the account is shut out")
        else:
            tx.set_role(account.name, account.role, now, actor="oidc")
        tx.event("logged-in", account.name, {"by": "oidc"}, now, actor=account.name)

    await console.write(work)


__all__ = ["NoEntry", "Provider", "account_of", "add"]
