"""The settings: every section and key with its default. Names are a contract; ``config.example.toml`` explains each."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.config.checks import CaFile, File, Line, Listen, Mailbox, ModeName, Network, Origin, loopback_only, read_secret
from bot.model import Language

CATEGORIES = ("faq", "application", "deletion", "offer", "case", "other", "auto")


class Section(BaseModel):
    """A section of the file: unknown keys are refused, so that a misspelt one is found at start."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Secret(Section):
    """A section with a password that may stand in a file of its own."""

    password: str = Field("", repr=False, description="better: password_file, or the environment")
    password_file: str = ""

    def needed(self) -> None:
        """Errors: ``ValueError`` when there is no password at all."""
        if not self.password and not self.password_file:
            raise ValueError('auth = "password" needs password_file (or password, best from the environment)')

    def secret(self) -> str:
        """The password. ``ConfigError`` when the file cannot be read."""
        return read_secret(self.password, self.password_file, "password_file")


class Service(Section):
    """Who we are."""

    address: Mailbox = "mikrodata@ssb.no"
    aliases: tuple[Mailbox, ...] = ()
    organisation: Line = "Statistisk sentralbyrå"
    colleagues: tuple[Line, ...] = ()
    mode: ModeName = "auto"
    data: Path = Path("data")


class Modes(Section):
    """The mode of single categories, over ``service.mode``."""

    faq: ModeName | None = None
    application: ModeName | None = None
    deletion: ModeName | None = None
    offer: ModeName | None = None
    case: ModeName | None = None
    other: ModeName | None = None
    auto: ModeName | None = None


FOLDERS = {
    "faq": "Bot/Besvart",
    "deletion": "Bot/Sletting",
    "offer": "Bot/Tilbud",
    "application": "Bot/Søknad",
    "case": "Bot/Sak",
    "other": "Bot/Annet",
    "auto": "Bot/Automatisk",
    "quarantine": "Bot/Karantene",
}


class Imap(Secret):
    """The mailbox."""

    host: Line
    port: int = Field(993, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "tls"
    ca_file: CaFile = ""
    username: Line
    auth: Literal["password", "oauth2"] = "password"
    folder: Line = "INBOX"
    move: bool = True
    folders: dict[str, str] = Field(default_factory=lambda: dict(FOLDERS))
    poll_seconds: float = Field(60, gt=0)
    idle_seconds: float = Field(540, gt=0, le=600)
    timeout_seconds: float = Field(60, gt=0)
    answer_within_days: int = Field(3, ge=0)

    @field_validator("folders")
    @classmethod
    def _known_folders(cls, value: dict[str, str]) -> dict[str, str]:
        unknown = sorted(set(value) - set(FOLDERS))
        if unknown:
            raise ValueError(f"has no category {unknown[0]!r}; allowed: {', '.join(FOLDERS)}")
        return {**FOLDERS, **value}

    @model_validator(mode="after")
    def _log_in_is_whole(self) -> Imap:
        loopback_only(self.security, self.host)
        if self.auth == "password":
            self.needed()
        return self


class OAuth2(Section):
    """Client credentials for Exchange Online."""

    tenant: Line
    client_id: Line
    client_secret: str = Field("", repr=False)
    client_secret_file: str = ""
    authority: Line = "https://login.microsoftonline.com"
    scope: Line = "https://outlook.office365.com/.default"
    ca_file: CaFile = ""

    def secret(self) -> str:
        """The client secret. ``ConfigError`` when the file cannot be read."""
        return read_secret(self.client_secret, self.client_secret_file, "oauth2.client_secret_file")


class SmtpIn(Section):
    """The SMTP or LMTP entrance behind the organisation's MTA."""

    listen: Listen = "127.0.0.1:2525"
    protocol: Literal["smtp", "lmtp"] = "smtp"
    max_mb: int = Field(40, ge=1, le=1024)
    allowed_clients: tuple[Network, ...] = ("127.0.0.0/8", "::1/128")


class SmtpOut(Secret):
    """The way out."""

    host: Line
    port: int = Field(587, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "starttls"
    ca_file: CaFile = ""
    auth: Literal["none", "password", "oauth2"] = "none"
    username: Line = ""
    per_minute: int = Field(30, ge=1)
    null_sender: bool = True
    timeout_seconds: float = Field(60, gt=0)

    @model_validator(mode="after")
    def _auth_is_whole(self) -> SmtpOut:
        if self.auth != "none":
            loopback_only(self.security, self.host)
            if not self.username:
                raise ValueError(f'auth = "{self.auth}" needs username')
            if self.auth == "password":
                self.needed()
        return self


class StoreSection(Section):
    """Where everything is kept. Empty: ``<service.data>/bot.sqlite3``."""

    url: Line = ""

    @field_validator("url")
    @classmethod
    def _scheme(cls, value: str) -> str:
        if value and not value.startswith("sqlite:///"):
            raise ValueError("must begin with sqlite:/// (the only store there is yet)")
        return value


class Routing(Section):
    """Where mail goes on, and whose word on the sender counts."""

    intake: Mailbox | Literal[""] = ""
    fallback: Mailbox | Literal[""] = ""
    trusted_authserv: tuple[Line, ...] = ()
    misdirected: dict[Line, Mailbox] = Field(default_factory=dict)
    forward_misdirected: bool = False


class Languages(Section):
    """The written language of letters, where it is not the sender's own."""

    resolutions: dict[str, Language] = Field(default_factory=dict)

    @field_validator("resolutions")
    @classmethod
    def _domains(cls, value: dict[str, Language]) -> dict[str, Language]:
        for domain in value:
            if "@" in domain or "." not in domain or domain != domain.strip().lower():
                raise ValueError(f'has {domain!r}, which is no domain in small letters; an entry looks like "luster.kommune.no" = "nn"')
        return value


class Answers(Section):
    """How sure an answer must be, and how many one sender gets."""

    precision: float = Field(0.99, ge=0.5, le=1)
    precision_floor: float = Field(0.95, ge=0, le=1)
    chat_precision: float = Field(0.97, ge=0.5, le=1)
    per_sender_per_day: int = Field(4, ge=0)
    status: bool = False


class Folder(Section):
    """A folder of the user's own, over the built-in one, file by file."""

    folder: str = ""

    @field_validator("folder")
    @classmethod
    def _exists(cls, value: str) -> str:
        if value and not Path(value).is_dir():
            raise ValueError("is no folder; make it or leave the key out")
        return value


class Web(Section):
    """Chat and console."""

    listen: Listen = "127.0.0.1:8080"
    public_url: Line = ""
    cors: tuple[Origin, ...] = ()
    chat: bool = True
    console: bool = True
    session_hours: float = Field(8, gt=0)
    chat_per_minute: int = Field(30, ge=1)
    privacy_url: Line = ""
    trusted_proxies: tuple[Network, ...] = ()


class Offers(Section):
    """Signed offers."""

    trust_anchors: tuple[File, ...] = ()
    trusted_list: File = ""
    trusted_list_certificates: tuple[File, ...] = ()
    days: int = Field(14, ge=1)
    ask_for_document: bool = False


class Applications(Section):
    """Applications."""

    checklist_in_receipt: bool = False


class Deadlines(Section):
    """When we remind."""

    remind_offer_days: int = Field(3, ge=0)
    remind_deletion_days: int = Field(30, ge=0)
    overdue_deletion_every_days: int = Field(14, ge=1)
    remind_contacts: bool = False
    digest_hour: int = Field(7, ge=0, le=23)


class Retention(Section):
    """How long is kept what (days); 0 = for ever. Nothing goes before the archive has acknowledged it where ``archive`` is set."""

    faq: int = Field(365, ge=0)
    other: int = Field(365, ge=0)
    auto: int = Field(90, ge=0)
    application: int = Field(0, ge=0)
    deletion: int = Field(0, ge=0)
    offer: int = Field(0, ge=0)
    case: int = Field(0, ge=0)
    chat: int = Field(90, ge=0)
    require_archive: bool = True


class Alarms(Section):
    """When somebody must be told."""

    to: tuple[Mailbox, ...] = ()
    oldest_unhandled_minutes: int = Field(15, ge=1)
    idle_silent_minutes: int = Field(30, ge=1)
    outbox_minutes: int = Field(30, ge=1)
    unverified_share: float = Field(0.8, gt=0, le=1)
    automatic_per_hour: int = Field(0, ge=0)
    automatic_per_address_per_hour: int = Field(6, ge=1)


class Oidc(Section):
    """Log-in to the console through OpenID Connect."""

    issuer: Line = ""
    client_id: Line = ""
    client_secret: str = Field("", repr=False)
    client_secret_file: str = ""
    ca_file: CaFile = ""
    roles_claim: Line = "roles"
    roles: dict[str, Literal["reader", "caseworker", "lead"]] = Field(default_factory=dict)

    def secret(self) -> str:
        """The client secret. ``ConfigError`` when the file cannot be read."""
        return read_secret(self.client_secret, self.client_secret_file, "oidc.client_secret_file")


class Settings(BaseSettings):
    """The whole configuration. ``imap``, ``smtp_in`` and ``smtp_out`` are None when left out: switched off."""

    model_config = SettingsConfigDict(env_prefix="BOT_", env_nested_delimiter="__", extra="forbid", frozen=True)

    service: Service = Service()
    modes: Modes = Modes()
    imap: Imap | None = None
    oauth2: OAuth2 | None = None
    smtp_in: SmtpIn | None = None
    smtp_out: SmtpOut | None = None
    store: StoreSection = StoreSection()
    routing: Routing = Routing()
    language: Languages = Languages()
    answers: Answers = Answers()
    knowledge: Folder = Folder()
    templates: Folder = Folder()
    web: Web | None = None
    offers: Offers = Offers()
    applications: Applications = Applications()
    deadlines: Deadlines = Deadlines()
    retention: Retention = Retention()
    alarms: Alarms = Alarms()
    oidc: Oidc = Oidc()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file (which comes in as init values)."""
        return (env_settings, init_settings)

    @model_validator(mode="after")
    def _oauth2_is_there(self) -> Settings:
        for name, section in (("imap", self.imap), ("smtp_out", self.smtp_out)):
            if section is not None and section.auth == "oauth2" and self.oauth2 is None:
                raise ValueError(f'{name}.auth = "oauth2" needs the section [oauth2] with tenant, client_id and client_secret_file')
        return self

    @property
    def database(self) -> Path:
        """The file of the embedded store."""
        return Path(self.store.url.removeprefix("sqlite:///")) if self.store.url else self.service.data / "bot.sqlite3"

    def mode(self, category: str) -> ModeName:
        """The mode in force for a category id."""
        own: ModeName | None = getattr(self.modes, category)
        return own or self.service.mode
