"""Local accounts: how a person proves who they are, and how a browser stays logged in.

Passwords are kept as argon2id hashes, the second factor is TOTP (RFC 6238), a name that fails too often takes no attempts for
a while. The cookie holds a random token of which the store has only the hash; it is new at every log-in, so that no session
can be planted beforehand. Nothing tells an unknown name from a wrong password: neither words nor time.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from bot.config import Settings
from bot.store.accounts import ROLES, Account

if TYPE_CHECKING:
    from bot.pipeline import Parts
    from bot.web.desk.page import Console, Visit

NAME = re.compile(r"[a-z0-9æøå][a-z0-9æøå._@+-]{1,79}")
SHORTEST = 12  # characters of a password; length is what counts (NIST SP 800-63B § 3.1.1.2)
LONGEST = 200
MOST_FAILURES = 5
LOCK = timedelta(minutes=15)
IDLE = timedelta(minutes=60)
STEP = 30  # seconds, RFC 6238 § 5.2
OIDC_FAULTS = ("login.oidc_failed", "login.oidc_no_role", "login.oidc_taken")
AT_ONCE = 2  # each attempt takes 64 MiB while it is checked

hasher = PasswordHasher()
_checkers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")
# a hash that no password fits: checking it takes as long as checking a real one
_NOBODY = hasher.hash(secrets.token_urlsafe(32))


class Unfit(ValueError):
    """A name, password or role that no account may have; the text says what is wanted."""


# ── accounts ──────────────────────────────────────────────────────────────────────────────────────────────────


def new_account(name: str, role: str, password: str, *, second_factor: bool = True) -> Account:
    """An account to add, its password hashed. Errors: ``Unfit``."""
    name = name.strip().lower()
    if not NAME.fullmatch(name):
        raise Unfit("a name has 2 to 80 letters, digits and . _ @ + -, and begins with a letter or digit")
    if role not in ROLES:
        raise Unfit(f"the role must be one of {', '.join(ROLES)}")
    return Account(name, role, hashed(password, name), pyotp.random_base32() if second_factor else "")


def hashed(password: str, name: str) -> str:
    """The hash of a new password. Errors: ``Unfit`` where it is too short, too long or the name itself."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Unfit(f"a password has {SHORTEST} to {LONGEST} characters")
    if name.lower() in password.lower() and len(name) > len(password) // 2:
        raise Unfit("the password must not be the name")
    return hasher.hash(password)


def totp_address(account: Account, organisation: str) -> str:
    """The ``otpauth://`` address that an authenticator app takes."""
    return pyotp.TOTP(account.totp, interval=STEP).provisioning_uri(name=account.name, issuer_name=f"mikrodata-bot {organisation}")


async def demo_user(parts: Parts) -> tuple[str, str]:
    """An account for the demo, without second factor: (name, password). Its password is new every time."""
    password = secrets.token_urlsafe(12)
    account = new_account("demo", "lead", password, second_factor=False)
    now = parts.clock()

    def work(tx: Any) -> None:
        if not tx.add_account(account, now, actor="demo"):
            tx.set_password(account.name, account.password, "", now, actor="demo")

    await parts.store.write(work)
    return account.name, password


# ── proof ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt: the account, or nobody, and until when the name takes no more attempts."""

    account: Account | None
    locked_until: datetime | None = None


async def prove(parts: Parts, name: str, password: str, code: str) -> Outcome:
    """Check name, password and one-time code; count failures; lock the name after ``MOST_FAILURES``."""
    name, now = name.strip().lower()[:LONGEST], parts.clock()
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
    locked, account = await parts.store.read(lambda tx: (tx.locked_until(digest, now), tx.account(name)))  # type: ignore[attr-defined]
    if locked is not None:
        return Outcome(None, locked)
    stored = account.password if account is not None and account.password else _NOBODY
    right = await asyncio.get_running_loop().run_in_executor(_checkers, _fits, stored, password[: LONGEST + 1])
    step = _step(account.totp, code, now) if account is not None else 0
    passed = right and account is not None and bool(account.password) and not account.disabled and (not account.totp or step > 0)

    def settle(tx: Any) -> Outcome:
        if passed and account is not None and (not account.totp or tx.use_step(account.name, step)):
            tx.forget_failures(digest)
            tx.event("logged-in", account.name, {}, now, actor=account.name)
            if hasher.check_needs_rehash(account.password):
                tx.rehash(account.name, hasher.hash(password))
            return Outcome(account)
        count = tx.count_failure(digest, now, most=MOST_FAILURES, lock=LOCK)
        who = account.name if account is not None else "unknown"
        tx.event("log-in-locked" if count >= MOST_FAILURES else "log-in-refused", who, {"failures": count}, now, actor="nobody")
        return Outcome(None, tx.locked_until(digest, now))

    outcome: Outcome = await parts.store.write(settle)
    return outcome


def _fits(stored: str, password: str) -> bool:
    try:
        return hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _step(secret: str, code: str, now: datetime) -> int:
    """The time step that a one-time code belongs to (the last, this or the next), or 0."""
    digits = "".join(code.split())
    if not secret or not digits.isascii() or not digits.isdigit():
        return 0
    current = int(now.timestamp()) // STEP
    totp = pyotp.TOTP(secret, interval=STEP)
    fitting = [step for step in (current - 1, current, current + 1) if hmac.compare_digest(totp.at(step * STEP), digits)]
    return fitting[0] if fitting else 0


# ── cookies ───────────────────────────────────────────────────────────────────────────────────────────────────


def digest_of(token: str) -> str:
    """What the store knows of a session's token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def is_secure(request: Request, settings: Settings) -> bool:
    """Whether cookies must be Secure: always, but for plain http on the loopback interface."""
    public = settings.web.public_url if settings.web is not None else ""
    if public and not public.startswith("http://"):
        return True
    return not (request.url.scheme == "http" and _is_loopback(urlsplit(public).hostname or request.url.hostname or ""))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def cookie_name(name: str, secure: bool) -> str:
    """``__Host-`` binds a cookie to this very host (RFC 6265bis § 4.1.3.2); it asks for Secure."""
    return f"__Host-{name}" if secure else name


def set_cookie(
    response: Response,
    request: Request,
    settings: Settings,
    name: str,
    value: str,
    seconds: int,
    same_site: Literal["strict", "lax"] = "strict",
) -> None:
    """A cookie that scripts cannot read and that other sites' requests do not carry (``lax``: but for links)."""
    secure = is_secure(request, settings)
    response.set_cookie(cookie_name(name, secure), value, max_age=seconds, path="/", secure=secure, httponly=True, samesite=same_site)


def get_cookie(request: Request, settings: Settings, name: str) -> str:
    """Its value, or ``""``."""
    return request.cookies.get(cookie_name(name, is_secure(request, settings)), "")


# ── pages ─────────────────────────────────────────────────────────────────────────────────────────────────────


def inside(target: str) -> str:
    """A path of the console to go on to; anything else becomes the console itself (no open redirect, CWE-601)."""
    clean = target.startswith("/console") and target[8:9] in ("", "/", "?") and "\\" not in target and target.isprintable()
    return target if clean and not target.startswith(("/console/login", "/console/logout")) and len(target) < 2000 else "/console"


def add(router: APIRouter, console: Console) -> None:
    """Log in, log out."""
    pages = Door(console)
    router.add_api_route("/login", pages.log_in_form)
    router.add_api_route("/login", pages.log_in, methods=["POST"])
    router.add_api_route("/logout", pages.log_out, methods=["POST"])


class Door:
    """The log-in form, and what it leads to."""

    def __init__(self, console: Console) -> None:
        """On the console of the running service."""
        self._console = console

    async def _show(self, request: Request, *, fault: str = "", locked: datetime | None = None, status: int = 200) -> HTMLResponse:
        token = get_cookie(request, self._console.settings, "console_form") or secrets.token_urlsafe(32)
        target = inside(request.query_params.get("next", ""))
        told = f"login.{request.query_params.get('fault', '')}"
        fault = fault or (told if told in OIDC_FAULTS else "")
        other = bool(self._console.settings.oidc.issuer)
        page = self._console.bare_page(
            request, "login.html.jinja", status=status, fault=fault, locked=locked, next=target, token=token, other=other
        )
        set_cookie(page, request, self._console.settings, "console_form", token, 3600)
        return page

    async def log_in_form(self, request: Request) -> Response:
        """The form; who is logged in already goes on."""
        if await self._console.session(request) is not None:
            return RedirectResponse(inside(request.query_params.get("next", "")), 303)
        return await self._show(request)

    async def log_in(self, request: Request) -> Response:
        """Prove the name, or say why not."""
        form = await self._console.fields(request)
        sent = get_cookie(request, self._console.settings, "console_form")
        if not sent or not hmac.compare_digest(sent.encode(), form.get("token", "").encode()):
            return await self._show(request, fault="login.stale", status=403)
        outcome = await prove(self._console.parts, form.get("name", ""), form.get("password", ""), form.get("code", ""))
        if outcome.account is None:
            fault = "login.locked" if outcome.locked_until else "login.refused"
            return await self._show(request, fault=fault, locked=outcome.locked_until, status=429 if outcome.locked_until else 401)
        response = RedirectResponse(inside(form.get("next", "")), 303)
        await begin_session(self._console, request, response, outcome.account.name)
        return response

    async def log_out(self, request: Request) -> Response:
        """End the session."""
        visit: Visit = await self._console.act(request, "reader")
        await self._console.write(lambda tx: tx.end_session(visit.session.token))
        response = RedirectResponse("/console/login", 303)
        set_cookie(response, request, self._console.settings, "console", "", 0)
        return response


async def begin_session(console: Console, request: Request, response: Response, name: str) -> None:
    """Log a proven account in: a new token in the browser, its hash in the store. The session before this one ends."""
    web, now = console.settings.web, console.parts.clock()
    hours = web.session_hours if web is not None else 8
    token, before = secrets.token_urlsafe(32), get_cookie(request, console.settings, "console")

    def work(tx: Any) -> None:
        if before:
            tx.end_session(digest_of(before))
        tx.add_session(digest_of(token), name, secrets.token_urlsafe(32), now, now + timedelta(hours=hours))

    await console.write(work)
    set_cookie(response, request, console.settings, "console", token, int(hours * 3600))
    set_cookie(response, request, console.settings, "console_form", "", 0)
