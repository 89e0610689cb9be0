"""Where the toolkit finds things: one class, read from the environment of the sandbox."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _default_workspace() -> Path:
    work = Path.home() / "work"
    return work if work.is_dir() else Path.cwd()


class LabSettings(BaseSettings):
    """Everything the toolkit reads from the environment. All of it has a default."""

    model_config = SettingsConfigDict(env_prefix="PRACTICUM_", extra="ignore", frozen=True)

    api_url: str = ""
    """The portal's API, such as `http://portal…/api/v1`. Empty: runs stay on this machine."""
    api_token: SecretStr = Field(default=SecretStr(""), validation_alias="JUPYTERHUB_API_TOKEN")
    """The sandbox's own token; it may report runs and nothing else."""
    workspace: Path = Field(default_factory=_default_workspace)
    """The trainee's files; `.practicum/` in it keeps runs, attempts and predictions."""
    heartbeats: Path = Path("/tmp/practicum/runs")  # noqa: S108 (agreed with the activity endpoint)
    """One file a run that is being logged, for the sandbox's activity endpoint."""
    lab: str = ""
    """The lab this sandbox was made for."""
    labs: Path = Path("/opt/practicum/labs")
    """Built labs, one folder each."""
    data: Path = Path("/opt/practicum/data")
    """Data sets and models, unpacked and read-only."""
    image: str = ""
    """The image this sandbox runs, recorded with each run."""
    lock: Path = Path("/opt/practicum/requirements.lock")
    """The lock file of the image; its hash is recorded with each run."""
    tier: str = ""
    """`tiny`, `cpu` or `gpu`; empty means what the machine has."""
    language: str = ""
    """`en` or `zh`; empty means the language of the notebook, or English."""

    @property
    def state(self) -> Path:
        """Folder of what the toolkit itself keeps in the workspace."""
        return self.workspace / ".practicum"
