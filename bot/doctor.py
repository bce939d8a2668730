"""``bot doctor``: try every connection and right that the configuration needs, and say in one sentence what to mend."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
from collections.abc import Awaitable, Callable

from bot import knowledge
from bot.config import ConfigError, Imap, Settings, SmtpOut
from bot.oauth2 import TokenRefused
from bot.run import account, brain, sender
from bot.sources.imap import LoginError, Survey, Trouble

Say = Callable[[str], None]


async def examine(settings: Settings, say: Say) -> int:
    """Run all checks; each says ``ok …`` or ``MEND …``, and ``note …`` what no check can see. Returns the number of faults."""
    checks: list[tuple[str, Callable[[], Awaitable[list[str]]]]] = [
        ("store", lambda: asyncio.to_thread(_store, settings)),
        ("knowledge", lambda: asyncio.to_thread(_knowledge, settings)),
        ("routing", lambda: asyncio.to_thread(_routing, settings)),
    ]
    if settings.imap is not None:
        imap = settings.imap
        checks.append(("imap", lambda: asyncio.to_thread(_imap, settings, imap)))
    if settings.smtp_in is not None:
        checks.append(("smtp_in", lambda: asyncio.to_thread(_port, "smtp_in.listen", settings.smtp_in.listen if settings.smtp_in else "")))
    if settings.smtp_out is not None:
        out = settings.smtp_out
        checks.append(("smtp_out", lambda: _smtp_out(settings, out)))
    if settings.web is not None:
        web = settings.web
        checks.append(("web", lambda: asyncio.to_thread(_port, "web.listen", web.listen)))
    faults = 0
    for name, check in checks:
        try:
            found = await check()
        except ConfigError as error:
            found = [str(error)]
        for fault in found:
            say(f"MEND {name}: {fault}")
        faults += len(found)
        if not found:
            say(f"ok   {name}")
    if (settings.imap or settings.smtp_in) and settings.routing.trusted_authserv:
        named = ", ".join(settings.routing.trusted_authserv)
        say(
            f"note routing: the mail server in front must strip Authentication-Results that arrive with the name {named}; they are believed"
        )
    return faults


def _store(settings: Settings) -> list[str]:
    folder = settings.database.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return [f'the folder "{folder}" cannot be made ({error.strerror}); create it and let the service own it']
    if not os.access(folder, os.W_OK):
        return [f'the folder "{folder}" cannot be written; let the service own it']
    free = shutil.disk_usage(folder).free
    return [] if free > 2**30 else [f'only {free // 2**20} MB are free in "{folder}"; make room, mail is refused when the disk is full']


def _knowledge(settings: Settings) -> list[str]:
    ready = brain(settings)
    faults = list(knowledge.check(ready.knowledge))
    assurance = ready.model.assurance
    answers = settings.answers
    if not assurance.holds(answers.precision, answers.precision_floor):
        return [
            f"the measured precision of answers ({assurance.precision:.3f}, lower bound {assurance.lower95:.3f}, n={assurance.n}) does not "
            f"reach [answers]; they run as drafts until more labelled mail is in knowledge/evaluation"
        ]
    if not ready.model.chat.n:
        return ["no threshold reaches [answers] chat_precision; the chat hands every question to a person"]
    return [f"the knowledge base has {len(faults)} faults; `bot knowledge check` lists them"] if faults else []


def _routing(settings: Settings) -> list[str]:
    faults = []
    routing = settings.routing
    if (settings.imap or settings.smtp_in) and not routing.trusted_authserv:
        faults.append("routing.trusted_authserv is empty: no sender can be verified; name the authserv-id that your own mail server writes")
    if (settings.imap or settings.smtp_in) and not settings.service.colleagues:
        faults.append("service.colleagues is empty: forwards carry no original and colleagues may get automatic mail; name your own domain")
    return faults


def _imap(settings: Settings, imap: Imap) -> list[str]:
    try:
        survey = account(settings, imap).survey()
    except LoginError:
        return [f'the server refused the log-in of "{imap.username}"; check imap.username and the password or token']
    except TokenRefused as error:
        return [f"{error}; " + ("an administrator must renew the secret or the consent" if error.final else "check oauth2.authority")]
    except ssl.SSLError as error:
        return [_tls(error, imap.host, "imap.ca_file")]
    except Trouble as error:
        return [f"{imap.host}:{imap.port} cannot be reached ({_short(error)}); check imap.host, imap.port and imap.security"]
    if survey is None:
        return [f'imap.folder = "{imap.folder}" does not exist or may not be opened by "{imap.username}"']
    return _imap_rights(survey, imap)


def _imap_rights(survey: Survey, imap: Imap) -> list[str]:
    faults = []
    if not survey.idle:
        faults.append("the server has no IDLE; new mail is found by the poll alone, set imap.poll_seconds accordingly")
    if imap.move and not survey.move and not survey.uidplus:
        faults.append("the server can neither MOVE nor UIDPLUS; set imap.move = false")
    if not imap.move and not survey.keywords:
        faults.append("the server keeps no keywords of ours; set imap.move = true or decisions are shown in the console alone")
    return faults


async def _smtp_out(settings: Settings, out: SmtpOut) -> list[str]:
    from bot.senders.smtp import SmtpSender

    way = sender(settings)
    assert isinstance(way, SmtpSender)
    try:
        await way.check()
        if out.null_sender and not await way.takes_null_sender(settings.service.address):
            return ["the relay refuses the null envelope sender; set smtp_out.null_sender = false"]
    except ssl.SSLError as error:
        return [_tls(error, out.host, "smtp_out.ca_file")]
    except TokenRefused as error:
        return [f"{error}; " + ("an administrator must renew the secret or the consent" if error.final else "check oauth2.authority")]
    except Exception as error:  # smtplib's many kinds: the type says it
        return [_smtp_fault(error, out)]
    finally:
        await way.close()
    return []


def _smtp_fault(error: Exception, out: SmtpOut) -> str:
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLError) or "certificate" in str(error).lower():
        return _tls(error, out.host, "smtp_out.ca_file")
    if "Authentication" in type(error).__name__:
        return f'the server refused the log-in of "{out.username}"; check smtp_out.username and the password or token'
    if "STARTTLS" in str(error):
        return f'{out.host}:{out.port} does not offer STARTTLS; set smtp_out.security = "tls" or ask its operator'
    return f"{out.host}:{out.port} cannot be reached ({_short(error)}); check smtp_out.host, port and security"


def _port(key: str, listen: str) -> list[str]:
    host, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as error:
            return [f'{key} = "{listen}" cannot be listened on ({error.strerror}); choose a free port, or the service runs already']
    return []


def _tls(error: Exception, host: str, key: str) -> str:
    reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or type(error).__name__
    return (
        f"the TLS certificate of {host} is not accepted ({reason}); set {key} to its issuer's certificate, or have the certificate mended"
    )


def _short(error: Exception) -> str:
    return str(getattr(error, "strerror", "") or type(error).__name__)
