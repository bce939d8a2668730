"""The sender's relation to a case, and how well it is proven (architecture, *Trust*)."""

from __future__ import annotations

from collections.abc import Iterable

from bot.model import Address, Authentication, Case, Trust

# Mail providers that anybody can have an address at: such a domain never says where its owner works.
PUBLIC_PROVIDERS = frozenset(
    """
    gmail.com googlemail.com outlook.com outlook.no hotmail.com hotmail.no live.com live.no msn.com yahoo.com yahoo.no icloud.com
    me.com mac.com online.no broadpark.no getmail.no lyse.net altibox.no start.no frisurf.no tele2.no c2i.net chello.no telia.com
    proton.me protonmail.com pm.me gmx.com gmx.de gmx.net web.de aol.com mail.com mail.ru yandex.ru fastmail.com zoho.com hey.com
    tutanota.com online.example mail.example gmail.example
    """.split()  # noqa: SIM905  a list in prose is easier to keep
)


def below(domain: str, parent: str) -> bool:
    """Whether a domain equals another or lies below it. Both in lower case."""
    return bool(parent) and (domain == parent or domain.endswith("." + parent))


def is_contact(sender: Address, case: Case) -> bool:
    """Whether From is one of the case's contacts."""
    return bool(sender.address) and sender.address.lower() in {contact.lower() for contact in case.contacts}


def is_of_domain(domain: str, case: Case) -> bool:
    """Whether a domain is one of the case's, or lies below one; public mail providers never."""
    lowered = domain.lower()
    return bool(lowered) and lowered not in PUBLIC_PROVIDERS and any(below(lowered, own.lower()) for own in case.domains)


def is_stranger(sender: Address, case: Case) -> bool:
    """Neither a contact nor of the case's domains, whatever the address proves."""
    return not is_contact(sender, case) and not is_of_domain(sender.domain, case)


def is_colleague(sender: Address, colleagues: Iterable[str]) -> bool:
    """Whether a sender is one of our own people, by address or by domain (subdomains included)."""
    mailbox = sender.address.lower()
    return any(mailbox == entry or below(sender.domain, entry) for entry in (colleague.lower().lstrip("@") for colleague in colleagues))


def trust(sender: Address, authentication: Authentication, case: Case | None) -> Trust:
    """``verified-sender``, ``verified-domain`` or ``unverified``. Without a case: authenticated is ``verified-domain``.

    Explicit dmarc=fail is never more than unverified, whatever else passed.
    """
    if not authentication.passed or authentication.dmarc == "fail":
        return Trust.UNVERIFIED
    if case is None:
        return Trust.DOMAIN
    if is_contact(sender, case):
        return Trust.SENDER
    return Trust.DOMAIN if is_of_domain(authentication.domain, case) else Trust.UNVERIFIED
