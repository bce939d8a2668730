"""What arrives: a mail as bytes, then as a value, and what its attachments hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Raw:
    """One mail as it came: bytes and what the transport knows. ``key`` names it for ever.

    The key is ``imap:<folder>:<uidvalidity>:<uid>`` for IMAP and ``sha256:<hex>`` of the bytes for all else.
    ``envelope_from`` is None when the transport does not know it and ``""`` for the null sender (RFC 5321 § 4.5.5).
    """

    key: str
    content: bytes
    received: datetime
    source: str  # imap | smtp | lmtp | folder | chat
    envelope_from: str | None = None
    envelope_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox (RFC 5322 § 3.4): display name and addr-spec, the domain in lower case. ``address`` may be ``""``."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """The domain in lower case, or ``""``."""
        return self.address.rpartition("@")[2].lower() if "@" in self.address else ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not the text of the mail. ``name`` is safe as a file name; ``type`` is the declared media type."""

    name: str
    type: str
    content: bytes
    inline: bool = False

    @property
    def size(self) -> int:
        """Bytes after transfer decoding."""
        return len(self.content)


@dataclass(frozen=True, slots=True)
class Automatic:
    """Why a mail counts as sent by a machine: ``kind`` is one of bounce, delay, out-of-office, list, calendar, receipt,
    notice, own, spam; ``rule`` names the row of the table, ``source`` the RFC or document it rests on."""

    kind: str
    rule: str
    source: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Bounce:
    """A delivery status (RFC 3464): of which of our mails, for whom, and whether it is final (5.x.x) or a delay."""

    message_id: str
    recipient: str
    status: str
    final: bool


@dataclass(frozen=True, slots=True)
class Message:
    """A mail read once. Total: any bytes give one; what was wrong stands in ``defects``.

    ``text`` is the whole body as text (html turned into text where there is no plain part), ``own`` the sender's own new
    text, ``quoted`` what was cut as older mail, ``forwarded`` the text of a forwarded mail, ``signature`` the signature
    and disclaimer. Nothing of ``text`` is lost among them. ``content_hash`` is the hash of From, Date, Subject and body by
    which copies are told (architecture, *Nothing is lost*).
    """

    message_id: str
    sender: Address
    subject: str
    text: str
    own: str
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    date: datetime | None = None
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    quoted: str = ""
    forwarded: str = ""
    signature: str = ""
    html: str = ""
    attachments: tuple[Attachment, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()  # decoded, in order, as many as the limit allows
    automatic: Automatic | None = None
    suppress_reply: bool = False  # a person's client asks for no automatic reply (X-Auto-Response-Suppress)
    bounce: Bounce | None = None
    content_hash: str = ""
    defects: tuple[str, ...] = ()
    quarantine: str = ""  # why the mail was not read at all (a limit was passed), else ""

    def header(self, name: str) -> str:
        """The first header of that name, or ``""``."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), "")


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """What can be said of one electronic signature. Facts only; a person concludes (domain.md § 4).

    ``intact``: the signed bytes are unchanged; ``whole``: it covers the whole file; ``changed_after``: something was
    added after it; ``trusted``: a path to a configured anchor was found; ``level``: ``qualified``, ``advanced`` (a person's),
    ``seal`` or ``qualified-seal`` (an organisation's), ``""`` where the certificate cannot be read.
    """

    signer: str
    issuer: str
    signed_at: datetime | None
    intact: bool
    whole: bool
    changed_after: bool
    trusted: bool
    expired: bool = False
    level: str = ""
    note: str = ""

    @property
    def valid(self) -> bool:
        """Intact, covering the whole document, nothing added after, by a trusted and unexpired certificate."""
        return self.intact and self.whole and self.trusted and not self.changed_after and not self.expired

    @property
    def personal(self) -> bool:
        """By a person's certificate, not by the seal of a signing service or another organisation."""
        return bool(self.level) and not self.level.endswith("seal")


@dataclass(frozen=True, slots=True)
class ExaminedAttachment:
    """``kind`` is what the bytes are: pdf docx xlsx csv txt zip 7z eml msg image html xml sdo executable data other.

    ``flags``: of encrypted, macro, executable, data-file, identity-number, bomb, unreadable, timeout, nested.
    """

    name: str
    type: str
    size: int
    kind: str
    text: str = ""
    flags: tuple[str, ...] = ()
    members: tuple[str, ...] = ()  # names inside an archive or a mail
    signatures: tuple[SignatureReport, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Examined:
    """The attachments in the order of ``Message.attachments``."""

    attachments: tuple[ExaminedAttachment, ...] = ()

    @property
    def text(self) -> str:
        """The text of all attachments, one after the other."""
        return "\n\n".join(a.text for a in self.attachments if a.text)
