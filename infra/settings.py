"""What a site may set from outside, all through environment variables that begin with `HUB_`."""

import os
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.errors import MisuseError

_PROJECT = Path(__file__).resolve().parents[1]


def default_home() -> Path:
    """Return `.local` in the clone, or in the current folder when the hub is installed as a package."""
    place = _PROJECT if (_PROJECT / "pyproject.toml").is_file() else Path.cwd()
    return place / ".local"


def default_jar_cache() -> Path:
    """Return the user's cache for server programs; homes share it, so a second stack downloads nothing."""
    caches = os.environ.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "anti-trafficking-hub" / "jars"


class Settings(BaseSettings):
    """Every setting has a default with which a fresh clone works; a port that is not set is chosen free."""

    model_config = SettingsConfigDict(env_prefix="HUB_", frozen=True, env_ignore_empty=True)

    home: Path = Field(default_factory=default_home, description="The one folder that holds all data.")
    jar_cache: Path = Field(
        default_factory=default_jar_cache,
        description="Server programs, laid out as a Maven repository; seed it to install without a network.",
    )
    offline: bool = Field(default=False, description="Never download: everything must be in the jar cache.")
    maven_mirror: str | None = Field(default=None, description="URL of the site's own Maven repository.")
    postgres_user: str | None = Field(
        default=None, description="System user that runs PostgreSQL when the hub is started by root."
    )
    brokers: Annotated[Literal[1, 3], BeforeValidator(int)] | None = Field(
        default=None,
        description="Brokers of Kafka on a home that is made: 1, or 3 with every record on each of them; then fixed.",
    )
    session_timeout_ms: int = Field(
        default=30_000, ge=6_000, description="A worker that is not heard for so long loses its partitions."
    )
    truncate_s: float = Field(
        default=2.0, gt=0, le=60, description="How often what agencies published, and intake has, is deleted."
    )
    spool: bool = Field(
        default=False, description="`hub publish` keeps events on disk while the broker is away, as with `--spool`."
    )
    spool_bytes: int = Field(default=2**30, ge=2**20, description="So many bytes a spool may hold.")
    kek: Literal["file", "transit"] = Field(
        default="file",
        description="What wraps the keys of the vault: a file in the home, or HashiCorp Vault's transit.",
    )
    kek_address: str | None = Field(default=None, description="URL of HashiCorp Vault, for `transit`.")
    kek_token_file: Path | None = Field(default=None, description="File with the token for it, read at each request.")
    kek_key: str = Field(default="hub", description="Name of the transit key; of type aes256-gcm96.")
    kek_mount: str = Field(default="transit", description="Where the transit engine is mounted.")
    kek_ca_file: Path | None = Field(default=None, description="Certificate of the authority that signed Vault's own.")
    kek_rotation_days: int = Field(
        default=30, ge=1, description="The worker replaces the key encryption key when it is this old."
    )
    breakglass_hours: float = Field(
        default=3.0, gt=0, le=24, description="So long an access by break-glass stays open (`hub breakglass`)."
    )
    breakglass_review_days: int = Field(
        default=3, ge=1, le=30, description="Within so many days after its end an access is reviewed."
    )
    timestamp_url: str | None = Field(
        default=None, description="Authority (RFC 3161 over HTTP) that stamps what intake answered; its key is below."
    )
    timestamp_ca_file: Path | None = Field(
        default=None, description="Certificate (PEM) of who vouches for that authority; without it nothing is trusted."
    )
    timestamp_interval_s: float = Field(
        default=60.0, gt=0, le=3600, description="How often what is new is stamped; one stamp covers all sources."
    )
    timestamp_max_age_s: float = Field(
        default=14_400.0, gt=0, description="Intake stops when an answer has gone so long without a time-stamp."
    )
    evidence_key_file: Path | None = Field(
        default=None,
        description="Public keys of the hub (`hub evidence key`): the SDK then takes only receipts that they prove.",
    )
    trial_keys: bool = Field(
        default=True,
        description="`hub up` makes a signing key for each agency that never had one: for trials; else false.",
    )
    kafka_port: int | None = Field(default=None, ge=1, le=65535)
    controller_port: int | None = Field(default=None, ge=1, le=65535)
    registry_port: int | None = Field(default=None, ge=1, le=65535)
    postgres_port: int | None = Field(default=None, ge=1, le=65535)
    access_port: int | None = Field(default=None, ge=1, le=65535)


class WrongSettingError(MisuseError):
    """An environment variable of the hub holds what it cannot be."""

    code = "wrong-setting"


@cache
def settings() -> Settings:
    """Return the settings of this process, read once; raise WrongSettingError with all that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = [f"HUB_{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors()]
        raise WrongSettingError("; ".join(wrong)) from None
