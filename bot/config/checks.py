"""What a single value of the settings may be; what it may not is said in words that go on from "is not allowed"."""

from __future__ import annotations

import ipaddress
import re
import ssl
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator

ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?")  # RFC 6454 § 6.2, in lower case


class ConfigError(Exception):
    """The configuration cannot be used; the text is one sentence that names the key, the value and what is allowed."""


def _listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise ValueError("must be host:port, for example 127.0.0.1:2525")
    return value


def _origin(value: str) -> str:
    origin = value.strip().rstrip("/").lower()
    if not ORIGIN.fullmatch(origin):
        raise ValueError(f"{value!r} is no origin, write scheme, host and port alone, for example https://www.ssb.no")
    return origin


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError(f"{value!r} is no address or network, write for example 10.0.0.0/8") from None
    return value


def _address(value: str) -> str:
    local, _, domain = value.rpartition("@")
    if not local or not domain or any(ch in value for ch in " \r\n,;<>"):
        raise ValueError("must be an e-mail address, for example mikrodata@ssb.no")
    return value


def _file(value: str) -> str:
    if value and not Path(value).is_file():
        raise ValueError("is no file; give the path of one or leave the key out")
    return value


def _authority(value: str) -> str:
    if _file(value):
        try:
            ssl.create_default_context(cafile=value)
        except (ssl.SSLError, OSError):
            raise ValueError("holds no certificate in PEM form that can be read") from None
    return value


def _no_line_break(value: str) -> str:
    if "\n" in value or "\r" in value:
        raise ValueError("must be one line")
    return value


Listen = Annotated[str, AfterValidator(_listen)]
Mailbox = Annotated[str, AfterValidator(_address)]
Origin = Annotated[str, AfterValidator(_origin)]
Network = Annotated[str, AfterValidator(_network)]
Line = Annotated[str, AfterValidator(_no_line_break)]
File = Annotated[str, AfterValidator(_file)]
CaFile = Annotated[str, AfterValidator(_authority)]
ModeName = Literal["shadow", "suggest", "auto"]


def loopback_only(security: str, host: str) -> None:
    """Errors: ``ValueError`` for a password that would cross the net in clear."""
    if security == "none" and not _is_loopback(host):
        raise ValueError(
            f'security = "none" sends the password in clear to {host}; it is allowed on loopback only, use "tls" or "starttls"'
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_secret(value: str, path: str, key: str) -> str:
    """The secret itself, or the first line of the file that holds it. Errors: ``ConfigError`` naming the key, never the secret."""
    if not path:
        return value
    try:
        return Path(path).read_text(encoding="utf-8").split("\n", 1)[0].strip()
    except OSError as error:
        raise ConfigError(
            f'{key} = "{path}" cannot be read ({error.strerror}); give the path of a file that holds the secret on its first line'
        ) from None
