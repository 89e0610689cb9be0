"""Settings of the local platform, read from `PRACTICUM_*` in the environment."""

import json
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from practicum_local.paths import Paths


class Settings(BaseSettings):
    """What a person may choose about the platform on their own machine."""

    model_config = SettingsConfigDict(env_prefix="PRACTICUM_", frozen=True)

    cache: Path = Field(default_factory=lambda: Paths.from_environment().root)
    """The one directory that everything is kept in."""
    hub_port: int = Field(default=8000, ge=1, le=65535)
    """Port of 127.0.0.1 where the Hub and the sandboxes are."""
    portal_port: int = Field(default=8080, ge=1, le=65535)
    """Port of 127.0.0.1 where the portal is."""
    api_port: int = Field(default=16443, ge=1, le=65535)
    """Port of 127.0.0.1 where the Kubernetes API is."""
    gpus: int = Field(default=2, ge=0, le=64)
    """How many made-up `nvidia.com/gpu` the node claims to have."""

    @property
    def paths(self) -> Paths:
        """The folders below `cache`."""
        return Paths(self.cache.expanduser().absolute())

    @classmethod
    def of_what_runs(cls) -> "Settings":
        """The settings that `up` was given, but for what the environment says now."""
        now = cls()
        try:
            kept = json.loads(now._kept.read_text())
        except (FileNotFoundError, ValueError):
            return now
        return cls(**(kept | now.model_dump(include=now.model_fields_set)))

    def keep(self) -> None:
        """Write them down for who asks later what runs."""
        self.paths.root.mkdir(parents=True, exist_ok=True)
        self._kept.write_text(self.model_dump_json(exclude={"cache"}))

    def forget(self) -> None:
        """Nothing runs any more."""
        self._kept.unlink(missing_ok=True)

    @property
    def _kept(self) -> Path:
        return self.paths.root / "settings.json"
