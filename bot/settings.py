"""Settings, read from the environment (`LOTSA_…`)."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).parents[1]
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?")


class Settings(BaseSettings):
    """Everything an installation may set; durations in seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="LOTSA_", extra="ignore")

    database_url: str | None = Field(
        None, description="PostgreSQL to use; unset = the embedded one"
    )
    data: Path = Field(PROJECT / "var", description="keys and the embedded database")
    artifacts: Path = Field(PROJECT / "artifacts", description="trained models and indexes")
    key_file: Path | None = Field(None, description="encryption keys, newest first; one a line")
    host: str = Field("127.0.0.1", description="address the web process listens on")
    port: int = Field(8080, description="port the web process listens on")
    embedder: str | None = Field(None, description="path or hub name of another embedding model")
    channels_file: Path | None = Field(
        None, description="numbers and providers; unset = channels.yml in the data folder"
    )
    channels_off: str = Field("", description="channels that send nothing, divided by commas")
    lease: float = Field(10.0, description="how long a worker may hold a message")
    understand_timeout: float = Field(3.0, description="longest time to understand or search")
    engine_timeout: float = Field(4.0, description="longest time for the dialogue engine")
    queue_limit: int = Field(1000, description="unanswered messages above which new ones wait")
    message_length: int = Field(4000, description="longest message, in characters")
    clock: dt.datetime | None = Field(
        None, description="try the installation as if it started at this time (local)"
    )
    sign_in_file: Path | None = Field(None, description="how people sign in to the console")
    provider_secrets: dict[str, SecretStr] = Field(
        {}, description="client secrets of sign-in providers: JSON by municipality"
    )
    writes_per_conversation: int = Field(30, description="messages a minute; 0 = no limit")
    writes_per_address: int = Field(200, description="messages a minute; 0 = no limit")
    opened_per_address: int = Field(120, description="new conversations an hour; 0 = no limit")
    widget_origins: dict[str, list[str]] = Field(
        {}, description="sites that may show the chat in a frame, by municipality, as JSON"
    )
    log_level: str = Field("INFO", description="lowest level that is logged")

    @field_validator("widget_origins")
    @classmethod
    def _are_origins(cls, by_municipality: dict[str, list[str]]) -> dict[str, list[str]]:
        """No path, no wildcard: they stand in a policy and are compared letter by letter."""
        for origin in [one for origins in by_municipality.values() for one in origins]:
            if not ORIGIN.fullmatch(origin):
                raise ValueError(f"'{origin}' is no origin such as https://www.example.se")
        return by_municipality

    @property
    def keys(self) -> Path:
        return self.key_file or self.data / "keys" / "text.key"

    @property
    def channels(self) -> Path:
        return self.channels_file or self.data / "channels.yml"

    @property
    def stopped_channels(self) -> frozenset[str]:
        return frozenset(name.strip() for name in self.channels_off.split(",") if name.strip())

    @property
    def rasa_project(self) -> Path:
        return self.artifacts / "rasa"

    @property
    def rasa_model(self) -> Path:
        return self.rasa_project / "models" / "lotsa.tar.gz"


@lru_cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings()
