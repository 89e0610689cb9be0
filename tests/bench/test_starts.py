"""From click to JupyterLab on the real node: alone, ten at once, thirty at once.

A person's click is measured in a browser, alone. The rest are Sandboxes made together with kubectl;
for each, the page of JupyterLab is fetched as soon as the status says that it is there.
"""

import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from practicum_local import demo
from practicum_local.browser import Jupyter, Person, chromium
from practicum_local.demo import LAB
from practicum_local.installation import Installation
from practicum_local.process import wait_for
from practicum_local.release import Cluster

COHORT = "bench"
NAMESPACE = f"practicum-{COHORT}"
SIZES = (1, 10, 30)
SECONDS = 600
SMALL = {"cpu": "20m", "cpuLimit": "2", "memory": "400Mi"}
"""So that thirty fit on two cores: JupyterLab itself, without a kernel that trains."""


@pytest.fixture(scope="module")
def cluster(installation: Installation) -> Iterator[Cluster]:
    """The platform with a cohort of thirty and a lab of which thirty fit on the node."""
    found = installation.cluster
    lab = found.get("lab", LAB)["spec"] | {"resources": SMALL}
    cohort = {"displayName": "Bench", "labs": ["bench"], "quota": {"sandboxes": max(SIZES)}}
    found.apply(
        {**_head("Lab", "bench"), "spec": lab},
        {**_head("Cohort", COHORT), "spec": cohort | {"deletionPolicy": "Cascade"}},
    )
    found.kubectl("wait", "--for=condition=Ready", f"cohort/{COHORT}", "--timeout=60s")
    rows = [f"{owner(number)},,trainee" for number in range(max(SIZES))]
    roster = "\n".join(["user,name,role", "trainee,,trainee", *rows]).encode()
    demo.import_roster(installation.site, roster, cohort=COHORT)
    yield found
    found.kubectl("delete", "cohort", COHORT, "--timeout=180s")
    found.kubectl("delete", "lab", "bench")


@pytest.fixture(scope="module")
def token(installation: Installation, cluster: Cluster) -> str:
    return demo.hub_token(installation.site, "admin")


def owner(number: int) -> str:
    return f"bench-{number:02}"


def test_a_click_alone(
    installation: Installation, cluster: Cluster, tmp_path: Path, report
) -> None:
    with chromium(tmp_path) as browser:
        person = Person.sign_in(browser, "trainee", installation.site, tmp_path)
        clicked = time.monotonic()
        person.start(COHORT, "bench", lambda _: None)
        ready = time.monotonic()
        jupyter = Jupyter(person.open_lab(COHORT, "bench"))
        opened = time.monotonic()
        jupyter.page.locator(".jp-Notebook").first.wait_for()
        shown = time.monotonic()
    report.add(
        click_to_jupyterlab_seconds={
            "sandbox ready": round(ready - clicked, 1),
            "JupyterLab open": round(opened - ready, 1),
            "notebook shown": round(shown - opened, 1),
            "total": round(shown - clicked, 1),
        }
    )
    cluster.kubectl("delete", "sandboxes", "--all", f"-n={NAMESPACE}", "--timeout=120s")


@pytest.mark.parametrize("count", SIZES)
def test_starts_at_once(cluster: Cluster, token: str, report, count: int) -> None:
    began = time.monotonic()
    cluster.apply(*(_sandbox(number) for number in range(count)))
    shown: dict[str, float] = {}
    with ThreadPoolExecutor(max_workers=4) as browsers:

        def look() -> bool:
            ready = [
                item for item in _sandboxes(cluster) if item["status"].get("phase") == "Running"
            ]
            new = [item for item in ready if item["metadata"]["name"] not in shown]
            pages = browsers.map(lambda item: _fetch_page(item["status"]["url"], token), new)
            for item, _ in zip(new, pages, strict=True):
                shown[item["metadata"]["name"]] = time.monotonic() - began
            return len(shown) == count

        wait_for(f"{count} at once", look, seconds=SECONDS)
    found = _sandboxes(cluster)
    report.add(
        **{
            f"starts_at_once_{count}": {
                "JupyterLab served, first": round(min(shown.values()), 1),
                "JupyterLab served, median": round(statistics.median(shown.values()), 1),
                "JupyterLab served, last": round(max(shown.values()), 1),
                **{f"median s {stage}": value for stage, value in _medians(found).items()},
                "attempts": sum(item["status"]["attempt"] for item in found),
            }
        }
    )
    cluster.kubectl("delete", "sandboxes", "--all", f"-n={NAMESPACE}", "--timeout=300s")
    assert len(shown) == count


def _medians(sandboxes: list[dict[str, Any]]) -> dict[str, float]:
    """Return the median seconds that each stage took; the status has whole seconds."""
    spent: dict[str, list[float]] = {}
    for item in sandboxes:
        stages = [
            (s["stage"], datetime.fromisoformat(s["began"])) for s in item["status"]["stages"]
        ]
        for (stage, start), (_, end) in pairwise(stages):
            spent.setdefault(stage, []).append((end - start).total_seconds())
    return {stage: statistics.median(values) for stage, values in spent.items()}


def _fetch_page(url: str, token: str) -> None:
    path = urlsplit(url).path
    with demo.client(url) as browser:
        answer = browser.get(f"{path}lab", headers={"Authorization": f"token {token}"})
    assert answer.status_code == 200, (url, answer.status_code)
    assert "jupyter-config-data" in answer.text, answer.text[:500]


def _sandboxes(cluster: Cluster) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = cluster.get("sandboxes", f"--namespace={NAMESPACE}")["items"]
    return [item for item in items if "status" in item]


def _sandbox(number: int) -> dict[str, Any]:
    head = _head("Sandbox", owner(number))
    head["metadata"]["namespace"] = NAMESPACE
    spec = {"owner": owner(number), "lab": "bench", "workspace": {"deletionPolicy": "Delete"}}
    return {**head, "spec": spec}


def _head(kind: str, name: str) -> dict[str, Any]:
    return {"apiVersion": "practicum.dev/v1alpha1", "kind": kind, "metadata": {"name": name}}
