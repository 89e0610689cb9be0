"""Who may do what at the Hub: services, roles and scopes, as plain data."""

from typing import Any

from practicum_hub.settings import HubSecrets

REPORT_SCOPE = "custom:practicum:report"
PORTAL_SERVICE = "portal"
PORTAL_CLIENT = "service-portal"

CUSTOM_SCOPES = {
    REPORT_SCOPE: {"description": "Report the points of runs from a sandbox to the portal."},
}

USER_SCOPES = {f"access:services!service={PORTAL_SERVICE}", REPORT_SCOPE}
"""What every user may do beside their own account."""

SERVER_TOKEN_SCOPES = ["users:activity!user", "access:servers!server", f"{REPORT_SCOPE}!server"]
"""What the token inside a sandbox may do. It can't start, stop or share anything."""

ROLES: list[dict[str, Any]] = [
    {
        "name": "operator",
        "description": "Connects running sandboxes and takes them down again.",
        "scopes": ["servers", "read:servers", "read:users:name", "proxy"],
        "services": ["operator"],
    },
    {
        "name": "portal",
        "description": "Makes the users of a roster and reads who is who.",
        # Creating a user takes this; JupyterHub has no narrower scope (6.1). It includes reading.
        "scopes": ["admin:users"],
        "services": [PORTAL_SERVICE],
    },
    {
        "name": "prometheus",
        "description": "Reads the Hub's metrics.",
        "scopes": ["read:metrics"],
        "services": ["prometheus"],
    },
]


def services(secrets: HubSecrets, portal_url: str) -> list[dict[str, Any]]:
    """Return the services, none of them run or proxied by the Hub."""
    return [
        {"name": "operator", "api_token": secrets.operator},
        {"name": "prometheus", "api_token": secrets.prometheus},
        {
            "name": PORTAL_SERVICE,
            "api_token": secrets.portal,
            "oauth_client_id": PORTAL_CLIENT,
            "oauth_redirect_uri": f"{portal_url}/oauth/callback",
            "oauth_no_confirm": True,
        },
    ]
