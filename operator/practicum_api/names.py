"""Derived names: every name that follows from another is computed here and nowhere else.

Kubernetes allows fewer characters than people use. A *slug* keeps what is allowed and adds a
short hash as soon as something had to change, so two owners never share a name.
"""

import hashlib
import re
from urllib.parse import quote

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
_OWNER_MAX = 18
"""With ``--`` and the longest server name 50 characters, which leaves room for ``-<attempt>`` and
the claim's prefix within a DNS label."""
_RESERVED_HOSTS = frozenset({"api", "auth", "grafana", "hub", "login", "portal", "proxy", "www"})
"""Hosts a site may want beside the Hub's; an owner of that name gets another."""


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


def owner_slug(owner: str, limit: int = _DNS_LABEL_MAX) -> str:
    """Return the DNS label that stands for an owner, whose name may hold any character.

    A name that looks like someone else's slug is hashed too, so nobody can pick one that is taken.
    """
    looks_hashed = re.search(rf"-[0-9a-f]{{{_HASH_LENGTH}}}$", owner) is not None
    if not looks_hashed:
        return slug(owner, limit)
    kept = slug(owner.rpartition("-")[0], limit - _HASH_LENGTH - 1)
    return f"{kept}-{digest(owner)}"


def sandbox_name(owner: str, server_name: str) -> str:
    """Return the name that the portal gives the Sandbox of an owner's server.

    No server name holds ``--``, so the last one always parts owner and server: owner ``a`` with
    server ``b-c`` never meets owner ``a-b`` with server ``c``.
    """
    return f"{owner_slug(owner, _OWNER_MAX)}--{server_name}"


def attempt_name(sandbox: str, attempt: int) -> str:
    """Return the name of the Pod and of the Secret of one attempt (counted from 1)."""
    suffix = f"-{attempt}"
    return slug(sandbox, _DNS_LABEL_MAX - len(suffix)) + suffix


def claim_name(owner: str, server_name: str) -> str:
    """Return the name of the workspace of an owner's server.

    It depends on owner and server alone, so that a new Sandbox finds the files of the last one.
    """
    return f"work-{sandbox_name(owner, server_name)}"


def owner_label(owner: str) -> str:
    """Return the label value that stands for an owner."""
    return owner_slug(owner)


def owner_host(owner: str, domain: str) -> str:
    """Return the host name below ``domain`` under which all servers of an owner are reached.

    The Hub routes by it and the operator tells the server of it, so both take it from here.
    """
    label = owner_slug(owner)
    if label in _RESERVED_HOSTS:
        label = f"{label}-{digest(owner)}"
    return f"{label}.{domain}"


def server_prefix(owner: str, server_name: str) -> str:
    """Return the URL path under which JupyterHub serves a named server, with both slashes.

    The owner is escaped as JupyterHub's ``url_escape_path`` does it.
    """
    return f"/user/{quote(owner, safe='@~')}/{server_name}/"
