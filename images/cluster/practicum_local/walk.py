"""The main job, walked once as the people in it do it, with progress on the screen.

A trainee starts a sandbox, runs the lab's notebook to the end and sees the run; the instructor
sees the trainee; suspend, resume, and the file is still there; delete, and nothing is left.
"""

import json
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, Page, expect

from practicum_local import labs, progress
from practicum_local.browser import Jupyter, Person, chromium, errors
from practicum_local.demo import COHORT, LAB, Addresses
from practicum_local.process import wait_for
from practicum_local.release import NAMESPACE, Cluster

TRAINEE = "guide"
"""An account of its own: the walk ends with a deletion, and must not end anyone's work."""
NOTEBOOK = "solution.ipynb"
NOTEBOOK_SECONDS = 1200
SCRAPE_SECONDS = 120
SAMPLES = f"/api/v1/namespaces/{NAMESPACE}/services/prometheus:9090/proxy/api/v1/query?query="


class WalkError(RuntimeError):
    """A step of the main job did not end as it should; the message says which and how."""


def main_job(cluster: Cluster, addresses: Addresses, screenshots: Path) -> None:
    """Walk the main job to its end, or raise WalkError."""
    with progress.step("Walking the main job"), chromium(screenshots) as browser:
        trainee = Person.sign_in(browser, TRAINEE, addresses, screenshots)
        progress.note("the trainee is signed in")
        _begin_anew(cluster)
        _work(trainee)
        _look_at_results(cluster, browser, trainee)
        _leave_and_come_back(trainee)
        _delete(cluster, trainee)


def _begin_anew(cluster: Cluster) -> None:
    """Delete what a walk that was stopped left: its kernel computes on, and holds this one up."""
    names = [name for name in left_over(cluster, f"{TRAINEE}--") if name.startswith("sandbox")]
    if names:
        with progress.step("Deleting what a walk that was stopped has left"):
            space = f"--namespace=practicum-{COHORT}"
            change = '{"spec":{"workspace":{"deletionPolicy":"Delete"}}}'
            cluster.kubectl("patch", *names, space, "--type=merge", f"--patch={change}")
            cluster.kubectl("delete", *names, space, "--timeout=180s")


def _work(trainee: Person) -> None:
    with progress.step("The trainee starts a sandbox"):
        trainee.start(COHORT, LAB, progress.note)
        trainee.see("home")
    with progress.step("The trainee opens JupyterLab"):
        jupyter = Jupyter(trainee.open_lab(COHORT, LAB))
        jupyter.page.locator(".jp-Notebook").first.wait_for()
        trainee.see("jupyterlab", jupyter.page)
    with progress.step("The trainee runs the lab's notebook to the end"):
        jupyter.api("PUT", f"contents/{NOTEBOOK}", _solution())
        ran = jupyter.run_notebook(NOTEBOOK, NOTEBOOK_SECONDS, progress.note)
        trainee.see("notebook", jupyter.page)
        wrong = errors(ran)
        if wrong:
            raise WalkError(f"the notebook stopped: {wrong[0]}")
    jupyter.page.close()


def _solution() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        content = json.loads(labs.solution(LAB, "en", Path(scratch)).read_text())
    return {"type": "notebook", "format": "json", "content": content}


def _look_at_results(cluster: Cluster, browser: Browser, trainee: Person) -> None:
    with progress.step("The run is in the portal"):
        page = trainee.page
        page.goto(f"{trainee.addresses.portal}/runs")
        page.locator("th[scope=row] a").first.click()
        expect(page.locator("canvas").first).to_be_visible()
        trainee.see("run")
    with progress.step("Its final metric is in Prometheus"):
        query = f'practicum_run_metric{{cohort="{COHORT}",lab="{LAB}",stat="last"}}'
        found = wait_for("Prometheus", lambda: samples(cluster, query), seconds=SCRAPE_SECONDS)
        for sample in found:
            progress.note(f"{sample['metric']['metric']} {float(sample['value'][1]):.3f}")
    with progress.step("The instructor sees the trainee"):
        instructor = Person.sign_in(browser, "instructor", trainee.addresses, trainee.screenshots)
        page = instructor.page
        page.goto(f"{trainee.addresses.portal}/cohorts/{COHORT}")
        row = page.get_by_role("row").filter(has_text=TRAINEE).filter(has_text="Running")
        expect(row.first).to_be_visible()
        instructor.see("cohort")
        instructor.context.close()


def _leave_and_come_back(trainee: Person) -> None:
    page = trainee.page
    with progress.step("The trainee suspends, and comes back"):
        page.goto(trainee.addresses.portal)
        trainee.choose(COHORT, LAB, "Suspend")
        _confirm(page, "Suspend")
        resume = trainee.card(COHORT, LAB).get_by_role("button", name="Resume")
        expect(resume).to_be_visible(timeout=120_000)
        trainee.start(COHORT, LAB, progress.note)
        jupyter = Jupyter(trainee.open_lab(COHORT, LAB))
        kept = jupyter.api("GET", f"contents/{NOTEBOOK}?content=0")
        progress.note(f"{kept['name']} is still there, {kept['size']} bytes")
        jupyter.page.close()


def _delete(cluster: Cluster, trainee: Person) -> None:
    page = trainee.page
    with progress.step("The trainee deletes it with its workspace, and nothing is left"):
        page.goto(trainee.addresses.portal)
        trainee.choose(COHORT, LAB, "Delete")
        page.get_by_label("Delete the workspace too").check()
        _confirm(page, "Delete")
        start = trainee.card(COHORT, LAB).get_by_role("button", name="Start")
        expect(start).to_be_visible(timeout=120_000)
        wait_for(
            "everything to be gone", lambda: not left_over(cluster, f"{TRAINEE}--"), seconds=120
        )


def _confirm(page: Page, label: str) -> None:
    page.locator("form.confirm").get_by_role("button", name=label).click()


def left_over(cluster: Cluster, sandbox: str) -> list[str]:
    """Return what is still in the demo cohort's namespace of a sandbox, by how its name begins."""
    kinds = "sandboxes,pods,persistentvolumeclaims,secrets"
    found = cluster.kubectl("get", kinds, f"--namespace=practicum-{COHORT}", "-o=name").split()
    return [name for name in found if name.partition("/")[2].startswith(sandbox)]


def samples(cluster: Cluster, query: str) -> list[dict[str, Any]]:
    """Return what Prometheus answers to an instant query."""
    raw = cluster.kubectl("get", f"--raw={SAMPLES}{quote(query)}")
    found: list[dict[str, Any]] = json.loads(raw)["data"]["result"]
    return found
