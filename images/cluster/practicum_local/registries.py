"""This machine's own settings for package registries, lent to a build and left in no image.

A machine behind a mirror or a company's certificate authority builds like any other.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from practicum_local.toolchain import find

IN_BUILD = "/run/secrets/ca"
"""Where a Dockerfile's `--mount=type=secret,id=ca` lays the certificates."""
CERTIFICATE_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "proxy")


def secrets(folder: Path, environ: Mapping[str, str] = os.environ) -> dict[str, Path]:
    """Write what a build may read into `folder`: build secrets by their id."""
    authorities = certificates(environ)
    found = {"pip": folder / "pip.conf", "npm": folder / "npmrc"}
    found["pip"].write_text(pip_configuration(_pip_settings(), authorities is not None))
    found["npm"].write_text(npm_configuration(_npm_registry(), authorities is not None))
    for path in found.values():
        path.chmod(0o600)
    return {**found, "ca": authorities} if authorities else found


def certificates(environ: Mapping[str, str]) -> Path | None:
    """The certificate authorities this machine trusts, in one file."""
    named = [Path(environ[name]) for name in CERTIFICATE_VARIABLES if environ.get(name)]
    return next((path for path in (*named, SYSTEM_CERTIFICATES) if path.is_file()), None)


def pip_configuration(settings: Mapping[str, str], certified: bool) -> str:
    """A pip.conf with these settings, as far as they make sense in a build."""
    lines = ["[global]", "disable-pip-version-check = true", "root-user-action = ignore"]
    lines += ["timeout = 120", "retries = 5"]
    lines += [f"{key} = {settings[key]}" for key in PIP_SETTINGS if settings.get(key)]
    lines += [f"cert = {IN_BUILD}"] if certified else []
    return "\n".join(lines) + "\n"


def npm_configuration(registry: str | None, certified: bool) -> str:
    """An npmrc for that registry; None leaves npm's own."""
    lines = ["update-notifier=false"]
    lines += [f"registry={registry}"] if registry else []
    lines += [f"cafile={IN_BUILD}"] if certified else []
    return "\n".join(lines) + "\n"


def _pip_settings() -> dict[str, str]:
    result = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    settings = {}
    for line in result.stdout.splitlines():
        name, found, value = line.partition("=")
        if found:
            # global.index-url='…' and :env:.index-url='…'; the environment comes last and wins.
            settings[name.rpartition(".")[2]] = value.strip("'\"")
    return settings


def _npm_registry() -> str | None:
    npm = find("npm")
    if npm is None:
        return None
    result = subprocess.run(  # noqa: S603 - npm, found by us
        [str(npm), "config", "get", "registry", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        registry = json.loads(result.stdout)
    except ValueError:
        return None
    return registry if isinstance(registry, str) else None
