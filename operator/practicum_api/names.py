"""Derived names: every name that follows from another is computed here and nowhere else.

Kubernetes allows fewer characters than people use. A *slug* keeps what is allowed and adds a
short hash as soon as something had to change, so two owners never share a name.
"""

import hashlib
import re

GROUP = "practicum.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

NAMESPACE_PREFIX = "practicum-"
SERVER_NAME_PATTERN = r"^[a-z]([a-z0-9]|-[a-z0-9])*$"
"""A JupyterHub server name: 1 to 30 characters, no double or trailing hyphen (JupyterHub 6.0)."""
SERVER_NAME_MAX = 30
COHORT_NAME_MAX = 40

_HASH_LENGTH = 8
_DNS_LABEL_MAX = 63
_SANDBOX_NAME_MAX = 50
"""Leaves room for ``-<attempt>`` and the claim's prefix within a DNS label."""


def digest(text: str, length: int = _HASH_LENGTH) -> str:
    """Return the first ``length`` hex digits of the SHA-256 of ``text``."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def slug(text: str, limit: int = _DNS_LABEL_MAX) -> str:
    """Return a DNS label for ``text``: itself when it is one, else what remains and a hash."""
    if re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", text) and len(text) <= limit:
        return text
    kept = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    kept = re.sub(r"^[0-9-]+", "", kept)[: limit - _HASH_LENGTH - 1].strip("-")
    return f"{kept or 'x'}-{digest(text)}"


def cohort_namespace(cohort: str) -> str:
    """Return the namespace of a Cohort."""
    return f"{NAMESPACE_PREFIX}{cohort}"


def sandbox_name(owner: str, server_name: str) -> str:
    """Return the name that the portal gives the Sandbox of an owner's server."""
    return slug(
        f"{slug(owner, _SANDBOX_NAME_MAX - SERVER_NAME_MAX)}-{server_name}", _SANDBOX_NAME_MAX
    )


def attempt_name(sandbox: str, attempt: int) -> str:
    """Return the name of the Pod and of the Secret of one attempt (counted from 1)."""
    suffix = f"-{attempt}"
    return slug(sandbox, _DNS_LABEL_MAX - len(suffix)) + suffix


def claim_name(owner: str, server_name: str) -> str:
    """Return the name of the workspace of an owner's server.

    It depends on owner and server alone, so that a new Sandbox finds the files of the last one.
    """
    return f"work-{slug(f'{slug(owner, 22)}-{server_name}', 54)}"


def owner_label(owner: str) -> str:
    """Return the label value that stands for an owner, whose name may hold any character."""
    return slug(owner, _DNS_LABEL_MAX)


def server_prefix(owner: str, server_name: str) -> str:
    """Return the URL path under which JupyterHub serves a named server, with both slashes.

    The owner is escaped as JupyterHub's ``url_escape_path`` does it.
    """
    from urllib.parse import quote

    return f"/user/{quote(owner, safe='@!:$&+,;=()*~')}/{server_name}/"
