"""Kubeconfig files: how a component, a test or a person reaches the local API server."""

import base64
from pathlib import Path

import yaml

from practicum_local import files
from practicum_local.pki import PRIVATE, Authority, Identity


def render(*, server: str, user: str, authority: bytes, certificate: bytes, key: bytes) -> str:
    """A kubeconfig that carries its certificates, so that it can be copied anywhere."""

    def encode(content: bytes) -> str:
        return base64.b64encode(content).decode()

    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "practicum",
            "contexts": [{"name": "practicum", "context": {"cluster": "practicum", "user": user}}],
            "clusters": [
                {
                    "name": "practicum",
                    "cluster": {"server": server, "certificate-authority-data": encode(authority)},
                }
            ],
            "users": [
                {
                    "name": user,
                    "user": {
                        "client-certificate-data": encode(certificate),
                        "client-key-data": encode(key),
                    },
                }
            ],
        },
        sort_keys=False,
    )


def write(path: Path, *, server: str, authority: Authority, identity: Identity) -> Path:
    """Write the kubeconfig of `identity`, with a certificate for it, and return its path."""
    certificate, key = authority.ensure(identity)
    text = render(
        server=server,
        user=identity.name,
        authority=authority.path.read_bytes(),
        certificate=certificate.read_bytes(),
        key=key.read_bytes(),
    )
    files.write(path, text, mode=PRIVATE)
    return path
