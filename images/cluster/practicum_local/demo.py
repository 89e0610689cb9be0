"""The demo: accelerator class, lab, cohort and roster, made as admin and instructor make them."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import yaml

from practicum_local import progress
from practicum_local.labs import lab_resources
from practicum_local.paths import GO_SOURCES
from practicum_local.process import wait_for
from practicum_local.release import Cluster

MANIFESTS = GO_SOURCES / "demo"
COHORT = "demo"
LAB = "lora"
ACCOUNTS = ("admin", "instructor", "trainee", "trainee-2")
PASSWORD = "practicum"  # noqa: S105 - values-demo.yaml says it to everyone
READY_SECONDS = 120


class DemoError(RuntimeError):
    """The platform refused a part of the demo; the message says what it said."""


@dataclass(frozen=True)
class Addresses:
    """Where browsers reach portal and Hub."""

    portal: str
    hub: str


def seed(cluster: Cluster, addresses: Addresses, *, sandbox_image: str) -> None:
    """Apply the demo's resources and import its roster; again changes nothing."""
    with progress.step("Applying AcceleratorClass, Lab and Cohort"):
        # The GPUs are made up, so the image without CUDA serves both tiers.
        labs = lab_resources(sandbox_image, sandbox_image)
        cohort = _manifest("cohort.yaml")
        names = [lab["metadata"]["name"] for lab in labs]
        # One GPU tier shows accelerators and their queue; more would only double the page.
        cohort["spec"]["labs"] = [n for n in names if not n.endswith("-gpu") or n == f"{LAB}-gpu"]
        cluster.apply(_manifest("accelerator.yaml"), *labs, cohort)
        for resource in (f"lab/{LAB}", f"cohort/{COHORT}"):
            cluster.kubectl("wait", "--for=condition=Ready", resource, "--timeout=60s")
    with progress.step("Importing the roster"):
        import_roster(addresses, (MANIFESTS / "roster.csv").read_bytes())


def import_roster(addresses: Addresses, roster: bytes, *, cohort: str = COHORT) -> None:
    """Import a cohort's roster through the portal's API, as the admin."""
    with client(addresses.portal) as portal:
        token = hub_token(addresses, "admin")

        def imported() -> bool:
            answer = portal.put(
                f"/api/v1/cohorts/{cohort}/roster",
                content=roster,
                headers={"Authorization": f"Bearer {token}", "Content-Type": "text/csv"},
            )
            if answer.status_code in {404, 503}:
                return False  # the portal has not heard of the cohort yet
            if answer.is_error:
                raise DemoError(f"the portal refused the roster: {answer.text}")
            return True

        wait_for("the portal to take the roster", imported, seconds=READY_SECONDS)


def hub_token(addresses: Addresses, account: str) -> str:
    """Return an API token of a demo account, made with its password as the CLI's login does."""
    with client(addresses.hub) as hub:
        answer = hub.post(
            f"/hub/api/users/{account}/tokens",
            json={
                "auth": {"username": account, "password": PASSWORD},
                "note": "practicum demo",
                "expires_in": 3600,
            },
        )
        if answer.is_error:
            raise DemoError(f"JupyterHub made no token for {account}: {answer.text}")
        token: str = answer.json()["token"]
        return token


def client(url: str) -> httpx.Client:
    """Return a client of `url` that needs no name server for `*.localhost`."""
    parts = urlsplit(url)
    local = (parts.hostname or "").endswith(".localhost")
    base = f"{parts.scheme}://127.0.0.1:{parts.port}" if local else url
    headers = {"Host": parts.netloc} if local else {}
    return httpx.Client(base_url=base, headers=headers, timeout=30)


def _manifest(name: str) -> dict[str, Any]:
    body: dict[str, Any] = yaml.safe_load((MANIFESTS / name).read_text())
    return body
