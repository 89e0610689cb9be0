"""Settings of the local platform, read from `PRACTICUM_*` in the environment."""

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
