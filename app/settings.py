"""All settings, read once and typed; the only file that reads environment variables."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, cast, get_args
from urllib.parse import urlsplit

from app.outgoing_url import UnsafeAddress, check_url

Env = Literal["development", "test", "production"]
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]{1,5})?")
EMAIL = r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+"
PHONE = re.compile(r"\+91[0-9]{8,12}")
OFFICER = re.compile(rf"([^<>;]{{1,120}}?)\s*<({EMAIL})>(?:\s*;\s*(.{{1,120}}))?")
GSTIN = re.compile(r"[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]")
LEGAL_NAME = re.compile(r".{1,120}")
LOG_LEVELS = ("debug", "info", "warning", "error")
DEVELOPMENT_KEY = "a word for development only, refused in production"  # pragma: allowlist secret
ROOT = Path(__file__).resolve().parent.parent


class BadSettings(Exception):
    """Settings are missing or wrong; `problems` has one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("Doorstep can't start. " + " ".join(problems))
        self.problems = problems


class GrievanceOfficer(NamedTuple):
    """Whom the consumer law wants named on the site; `hours` may be empty."""

    name: str
    email: str
    hours: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator configures. `trusted_proxies` is the number of our own proxies in front of the web process."""

    env: Env
    database_url: str = field(repr=False)
    migration_database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    base_url: str
    smtp_url: str | None = field(repr=False)
    mail_from: str
    google_chat_webhook_url: str | None = field(repr=False)
    google_chat_digest: bool
    uploads_dir: Path
    trusted_proxies: int
    metrics_token: str | None = field(repr=False)
    cors_origins: frozenset[str]
    log_level: str
    support_email: str | None = None
    support_phone: str | None = None
    support_whatsapp: str | None = None
    grievance_officer: GrievanceOfficer | None = None
    secret_key_previous: str | None = field(default=None, repr=False)
    receipt_signing_key: str | None = field(default=None, repr=False)
    gstin: str | None = None
    legal_name: str | None = None

    @property
    def production(self) -> bool:
        return self.env == "production"

    @property
    def development(self) -> bool:
        """Changed templates and static files are used at once."""
        return self.env == "development"

    @property
    def https(self) -> bool:
        return self.base_url.startswith("https://")

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> "Settings":
        """Read `env` (default: the process's environment). Raises BadSettings with every problem."""
        reader = _Reader(os.environ if env is None else env)
        settings = _read(cls, reader)
        if reader.problems:
            raise BadSettings(reader.problems)
        return settings


def _read(cls: type[Settings], reader: "_Reader") -> Settings:
    database_url = reader.url("DATABASE_URL", ("postgresql", "postgres"), "postgresql://127.0.0.1:5432/doorstep")
    return cls(
        env=reader.env,
        database_url=database_url,
        migration_database_url=reader.url("MIGRATION_DATABASE_URL", ("postgresql", "postgres"), database_url, True),
        redis_url=reader.url("REDIS_URL", ("redis", "rediss", "unix"), "redis://127.0.0.1:6379/0"),
        secret_key=reader.secret_key(),
        base_url=reader.base_url(),
        smtp_url=reader.optional_url("SMTP_URL", ("smtp", "smtps", "smtp+starttls"), required=reader.production),
        mail_from=reader.text("MAIL_FROM", "Doorstep <doorstep@example.com>"),
        google_chat_webhook_url=reader.public_url("GOOGLE_CHAT_WEBHOOK_URL"),
        google_chat_digest=reader.one_of("GOOGLE_CHAT_DIGEST", ("no", "yes"), "no") == "yes",
        uploads_dir=Path(reader.text("UPLOADS_DIR", str(ROOT / ".dev" / "uploads"))),
        trusted_proxies=reader.number("TRUSTED_PROXIES", 0),
        metrics_token=reader.get("METRICS_TOKEN"),
        cors_origins=reader.origins("CORS_ORIGINS"),
        log_level=reader.one_of("LOG_LEVEL", LOG_LEVELS, "info"),
        support_email=reader.matching("SUPPORT_EMAIL", re.compile(EMAIL), "an email address"),
        support_phone=reader.matching("SUPPORT_PHONE", PHONE, "a phone number such as +919840012345"),
        support_whatsapp=reader.matching("SUPPORT_WHATSAPP", PHONE, "a phone number such as +919840012345"),
        grievance_officer=reader.grievance_officer(),
        secret_key_previous=reader.previous_secret_key(),
        receipt_signing_key=reader.receipt_signing_key(),
        gstin=reader.matching("GSTIN", GSTIN, "a GSTIN of 15 characters"),
        legal_name=reader.matching("LEGAL_NAME", LEGAL_NAME, "a name of up to 120 characters"),
    )


class _Reader:
    """Reads variables and collects every problem instead of stopping at the first."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.problems: list[str] = []
        self.env: Env = "development"
        name = env.get("DOORSTEP_ENV", "development")
        if name in get_args(Env):
            self.env = cast(Env, name)
        else:
            self.problems.append(f"DOORSTEP_ENV must be one of {', '.join(get_args(Env))}.")

    @property
    def production(self) -> bool:
        return self.env == "production"

    def get(self, name: str) -> str | None:
        """Return the value of NAME, or the contents of the file named by NAME_FILE."""
        path = self._env.get(name + "_FILE")
        if not path:
            return self._env.get(name, "").strip() or None
        if self._env.get(name):
            self.problems.append(f"{name} and {name}_FILE are both set. Remove one of them.")
        try:
            return Path(path).read_text(encoding="utf-8").strip() or None
        except (OSError, UnicodeDecodeError) as error:
            self.problems.append(f"{name}_FILE can't be read ({type(error).__name__}).")
            return None

    def text(self, name: str, default: str, optional: bool = False) -> str:
        value = self.get(name)
        if value is None and self.production and not optional:
            self.problems.append(f"{name} is missing.")
        return value or default

    def url(self, name: str, schemes: tuple[str, ...], default: str, optional: bool = False) -> str:
        return self._check_url(name, schemes, self.text(name, default, optional))

    def optional_url(self, name: str, schemes: tuple[str, ...], required: bool = False) -> str | None:
        value = self.get(name)
        if value is None and required:
            self.problems.append(f"{name} is missing.")
        return self._check_url(name, schemes, value) if value else None

    def public_url(self, name: str) -> str | None:
        """Read the address of a server on the internet; without https nothing is sent to it."""
        value = self.get(name)
        try:
            check_url(value) if value else None
        except UnsafeAddress:
            self.problems.append(f"{name} must be a URL that starts with https:// and leads to a public server.")
        return value

    def _check_url(self, name: str, schemes: tuple[str, ...], value: str) -> str:
        try:
            parts = urlsplit(value)
            valid = parts.scheme in schemes and bool(parts.hostname or parts.path.strip("/")) and (parts.port or 1) > 0
        except ValueError:
            valid = False
        if not valid:
            self.problems.append(f"{name} must be a URL that starts with {schemes[0]}://.")
        return value

    def secret_key(self) -> str:
        value = self.text("SECRET_KEY", DEVELOPMENT_KEY)
        if self.production and self.get("SECRET_KEY"):
            self._require_strength("SECRET_KEY", value)
        return value

    def previous_secret_key(self) -> str | None:
        value = self.get("SECRET_KEY_PREVIOUS")
        if value is not None and value == self.get("SECRET_KEY"):
            self.problems.append("SECRET_KEY_PREVIOUS must be another key than SECRET_KEY.")
        return value

    def receipt_signing_key(self) -> str | None:
        value = self.get("RECEIPT_SIGNING_KEY")
        if value is not None:
            self._require_strength("RECEIPT_SIGNING_KEY", value)
        return value

    def _require_strength(self, name: str, value: str) -> None:
        if len(value) < 32 or len(set(value)) < 8 or value == DEVELOPMENT_KEY:
            self.problems.append(f"{name} must be at least 32 random characters.")

    def base_url(self) -> str:
        value = self.url("BASE_URL", ("https", "http"), "http://localhost:8000").rstrip("/")
        if self.production and not value.startswith("https://") and self.get("BASE_URL"):
            self.problems.append("BASE_URL must start with https:// in production.")
        return value

    def origins(self, name: str) -> frozenset[str]:
        """Read a comma-separated list of origins, each as browsers send it: https://site.example."""
        origins = frozenset(part.strip() for part in (self.get(name) or "").split(",") if part.strip())
        if not all(ORIGIN.fullmatch(origin) for origin in origins):
            self.problems.append(f"{name} must be a list of sites separated by commas, such as https://site.example.")
        return origins

    def number(self, name: str, default: int) -> int:
        value = self.get(name)
        if value is None:
            return default
        if not value.isascii() or not value.isdigit() or len(value) > 4:
            self.problems.append(f"{name} must be a whole number, 0 or more.")
            return default
        return int(value)

    def matching(self, name: str, pattern: re.Pattern[str], what: str) -> str | None:
        """Read an optional value of a form; `what` describes it."""
        value = self.get(name)
        if value is not None and not pattern.fullmatch(value):
            self.problems.append(f"{name} must be {what}.")
            return None
        return value

    def grievance_officer(self) -> GrievanceOfficer | None:
        what = "a name and an email such as Meena Iyer <meena@site.example>, and after a semicolon the hours"
        value = self.matching("GRIEVANCE_OFFICER", OFFICER, what)
        found = OFFICER.fullmatch(value) if value else None
        return GrievanceOfficer(found[1].strip(), found[2], (found[3] or "").strip()) if found else None

    def one_of(self, name: str, choices: tuple[str, ...], default: str) -> str:
        value = (self.get(name) or default).lower()
        if value not in choices:
            self.problems.append(f"{name} must be one of {', '.join(choices)}.")
        return value
