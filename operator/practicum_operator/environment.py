"""The environment of a sandbox's server: what JupyterHub would have given it, and our own."""

import json
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from practicum_api import names


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the platform is, for browsers and for sandboxes."""

    hub_public_url: str
    hub_api_url: str
    portal_api_url: str


def server_url(owner: str, server: str, addresses: Addresses) -> str:
    """Return the public URL of a server, on the origin that is its owner's alone."""
    hub = urlsplit(addresses.hub_public_url)
    port = f":{hub.port}" if hub.port else ""
    host = names.owner_host(owner, hub.hostname or "")
    return f"{hub.scheme}://{host}{port}{names.server_prefix(owner, server)}"


def hub_environment(owner: str, server: str, addresses: Addresses) -> dict[str, str]:
    """Return what JupyterHub's `Spawner.get_env` gives a server, without the token.

    The token is the one secret; it comes from the attempt's Secret.
    """
    prefix = names.server_prefix(owner, server)
    url = server_url(owner, server, addresses)
    public = addresses.hub_public_url.rstrip("/")
    api = addresses.hub_api_url.rstrip("/")
    access = [f"access:servers!server={owner}/{server}", f"access:servers!user={owner}"]
    return {
        "JUPYTERHUB_ACTIVITY_INTERVAL": "900",
        "JUPYTERHUB_ACTIVITY_URL": f"{api}/users/{quote(owner, safe='@~')}/activity",
        "JUPYTERHUB_API_URL": api,
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_CLIENT_ID": f"jupyterhub-user-{quote(owner)}-{quote(server)}",
        "JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED": "1" if public.startswith("https:") else "0",
        "JUPYTERHUB_COOKIE_OPTIONS": json.dumps({"SameSite": "Lax"}),
        "JUPYTERHUB_HOST": public,
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": json.dumps(access),
        "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{url}oauth_callback",
        "JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES": "[]",
        "JUPYTERHUB_PUBLIC_HUB_URL": f"{public}/hub/",
        "JUPYTERHUB_PUBLIC_URL": url,
        "JUPYTERHUB_SERVER_NAME": server,
        "JUPYTERHUB_SERVICE_PREFIX": prefix,
        "JUPYTERHUB_SERVICE_URL": f"http://0.0.0.0:8888{prefix}",
        "JUPYTERHUB_USER": owner,
    }


def practicum_environment(
    *,
    cohort: str,
    sandbox: str,
    lab: str,
    content: str,
    image: str,
    notebook: str,
    language: str,
    reset: str,
    addresses: Addresses,
) -> dict[str, str]:
    """Return what the sandbox image's start script and the labs' toolkit read."""
    first = {"JUPYTERHUB_DEFAULT_URL": f"/lab/tree/{quote(notebook)}"} if notebook else {}
    wanted = {"PRACTICUM_LANGUAGE": language} if language else {}
    return (
        first
        | wanted
        | {
            "PRACTICUM_API_URL": addresses.portal_api_url,
            "PRACTICUM_COHORT": cohort,
            "PRACTICUM_IMAGE": image,
            "PRACTICUM_LAB": lab,
            "PRACTICUM_LAB_CONTENT": content or f"/opt/practicum/labs/{lab}/workspace",
            "PRACTICUM_RESET": reset,
            "PRACTICUM_SANDBOX": sandbox,
        }
    )
