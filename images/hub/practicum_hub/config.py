"""The Hub's configuration, made from our settings. `jupyterhub_config.py` calls `configure`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from practicum_api.names import owner_host
from practicum_hub import access, texts
from practicum_hub.settings import HubSecrets, HubSettings

TEMPLATES = Path(__file__).parent / "templates"
LOGGED_OUT = "/"
"""The portal's page that a sign-out ends at. The portal ends its own session before it sends a
browser to the Hub's /hub/logout, so this shows the portal as a stranger sees it."""


def subdomain(name: str, domain: str, kind: str) -> str:
    """Return the host of a user's servers; JupyterHub's `subdomain_hook`."""
    return owner_host(name, domain) if kind == "user" else owner_host(f"{name}--{kind}", domain)


def configure(c: Any, settings: HubSettings, secrets: HubSecrets) -> None:
    """Write the whole configuration into the traitlets config `c`."""
    _addresses(c, settings)
    _proxy(c, settings, secrets)
    _state(c, settings, secrets)
    _spawning(c, settings)
    _access(c, settings, secrets)
    _pages(c, settings)
    if settings.auth_kind == "demo":
        _demo(c, settings)
    else:
        _oidc(c, settings)


def _addresses(c: Any, settings: HubSettings) -> None:
    c.JupyterHub.subdomain_host = settings.public_url
    c.JupyterHub.subdomain_hook = subdomain
    c.JupyterHub.public_url = f"{settings.public_url}/"
    c.JupyterHub.hub_bind_url = f"http://0.0.0.0:{settings.port}"
    c.JupyterHub.hub_connect_url = settings.hub_url
    c.JupyterHub.default_url = f"{settings.portal_url}/"
    c.JupyterHub.log_level = settings.log_level


def _proxy(c: Any, settings: HubSettings, secrets: HubSecrets) -> None:
    c.JupyterHub.proxy_class = "configurable-http-proxy"
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.api_url = settings.proxy_url
    c.ConfigurableHTTPProxy.auth_token = secrets.proxy
    # A proxy that restarted has forgotten all routes; this is how soon they are back.
    c.JupyterHub.last_activity_interval = settings.route_check_interval


def _state(c: Any, settings: HubSettings, secrets: HubSecrets) -> None:
    c.JupyterHub.db_url = settings.database
    c.JupyterHub.upgrade_db = True
    c.JupyterHub.cookie_secret = bytes.fromhex(secrets.cookie_secret)
    c.CryptKeeper.keys = [bytes.fromhex(secrets.crypt_key)]
    c.JupyterHub.cookie_max_age_days = settings.session_days
    c.JupyterHub.cookie_host_prefix_enabled = settings.is_secure
    c.JupyterHub.tornado_settings = {
        "cookie_options": {"SameSite": "Lax"},
        "headers": {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "strict-origin-when-cross-origin",
        },
    }


def _spawning(c: Any, settings: HubSettings) -> None:
    from practicum_hub.spawner import SandboxSpawner

    c.JupyterHub.spawner_class = SandboxSpawner
    c.SandboxSpawner.portal_url = f"{settings.portal_url}/"
    c.SandboxSpawner.port = settings.sandbox_port
    c.SandboxSpawner.start_timeout = settings.start_timeout
    c.SandboxSpawner.http_timeout = settings.http_timeout
    c.SandboxSpawner.poll_interval = settings.poll_interval
    c.SandboxSpawner.server_token_scopes = access.SERVER_TOKEN_SCOPES
    # A start that is refused or times out says nothing about the Hub's health.
    c.SandboxSpawner.consecutive_failure_limit = 0
    c.JupyterHub.allow_named_servers = True
    c.JupyterHub.named_server_limit_per_user = _limit_for_people(settings.server_limit)
    c.JupyterHub.concurrent_spawn_limit = settings.concurrent_spawn_limit
    c.JupyterHub.cleanup_servers = False
    # Servers are checked in the background; nobody waits for them to use the Hub.
    c.JupyterHub.init_spawners_timeout = 1
    c.JupyterHub.tornado_settings["slow_spawn_timeout"] = settings.slow_spawn_timeout


def _limit_for_people(limit: int) -> Callable[[Any], int]:
    """Return the bound on server names: it holds for people, never for the operator."""

    def find(handler: Any) -> int:
        return limit if handler.current_user.kind == "user" else 0

    return find


def _access(c: Any, settings: HubSettings, secrets: HubSecrets) -> None:
    c.JupyterHub.services = access.services(secrets, settings.portal_url)
    c.JupyterHub.load_roles = access.ROLES
    c.JupyterHub.custom_scopes = access.CUSTOM_SCOPES
    c.JupyterHub.extra_user_scopes = access.USER_SCOPES
    c.JupyterHub.oauth_require_pkce = True
    c.JupyterHub.authenticate_prometheus = True
    c.JupyterHub.token_expires_in_max_seconds = settings.token_days * 24 * 3600


def _pages(c: Any, settings: HubSettings) -> None:
    c.JupyterHub.template_paths = [str(TEMPLATES)]
    said = {name: value for name, value in vars(texts).items() if name.isupper()}
    c.JupyterHub.template_vars = {"portal_url": f"{settings.portal_url}/", "texts": said}


def _demo(c: Any, settings: HubSettings) -> None:
    from practicum_hub.demo import DemoAuthenticator, read_accounts

    c.JupyterHub.authenticator_class = DemoAuthenticator
    c.DemoAuthenticator.accounts_path = str(settings.demo_accounts)
    # Named, they are made when the Hub starts, so that a roster or a token needs no sign-in first.
    accounts = read_accounts(settings.demo_accounts)
    c.DemoAuthenticator.allowed_users = set(accounts)
    c.DemoAuthenticator.admin_users = {name for name, it in accounts.items() if it.admin}
    c.DemoAuthenticator.manage_groups = True
    c.DemoAuthenticator.logout_url_after = f"{settings.portal_url}{LOGGED_OUT}"


def _oidc(c: Any, settings: HubSettings) -> None:
    c.JupyterHub.authenticator_class = "generic-oauth"
    oidc = c.GenericOAuthenticator
    oidc.client_id = settings.oidc_client_id
    oidc.client_secret = settings.oidc_client_secret_file.read_text().strip()
    oidc.authorize_url = settings.oidc_authorize_url
    oidc.token_url = settings.oidc_token_url
    oidc.userdata_url = settings.oidc_userdata_url
    oidc.oauth_callback_url = f"{settings.public_url}/hub/oauth_callback"
    oidc.scope = list(settings.oidc_scope)
    oidc.username_claim = settings.oidc_username_claim
    oidc.auto_login = True
    oidc.logout_redirect_url = f"{settings.portal_url}{LOGGED_OUT}"
    if settings.oidc_groups_claim:
        oidc.manage_groups = True
        oidc.auth_state_groups_key = f"oauth_user.{settings.oidc_groups_claim}"
        oidc.admin_groups = set(settings.oidc_admin_groups)
    if settings.oidc_allowed_groups:
        oidc.allowed_groups = set(settings.oidc_allowed_groups)
    else:
        oidc.allow_all = True
