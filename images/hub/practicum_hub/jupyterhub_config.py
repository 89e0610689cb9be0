"""What `jupyterhub -f` reads: our settings, turned into the Hub's configuration."""

from traitlets.config import get_config

from practicum_hub.config import configure
from practicum_hub.settings import HubSecrets, HubSettings

settings = HubSettings()
configure(get_config(), settings, HubSecrets.read(settings.secrets_path))
