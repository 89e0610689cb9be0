"""What breaks on a real cluster, and that nothing is lost, doubled or stuck."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from practicum_local import demo, walk
from practicum_local.demo import COHORT, LAB
from practicum_local.process import wait_for
from practicum_local.release import Cluster

NAMESPACE = f"practicum-{COHORT}"
OWNER = "trainee-2"
SECONDS = 240

Make = Callable[..., str]


@pytest.fixture
def make(cluster: Cluster) -> Iterator[Make]:
    """Make a Sandbox with kubectl; it is deleted with its workspace at the end."""
    names: list[str] = []

    def run(name: str = "fault", **spec: Any) -> str:
        body = {
            "apiVersion": "practicum.dev/v1alpha1",
            "kind": "Sandbox",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {
                "owner": OWNER,
                "lab": LAB,
                "workspace": {"deletionPolicy": "Delete"},
                **spec,
            },
        }
        cluster.apply(body)
        names.append(name)
        return name

    yield run
    for name in names:
        cluster.kubectl("delete", "sandbox", name, f"-n={NAMESPACE}", "--ignore-not-found")


def sandbox(cluster: Cluster, name: str) -> dict[str, Any]:
    return cluster.get("sandbox", name, f"--namespace={NAMESPACE}")


def ready(cluster: Cluster, name: str) -> dict[str, Any]:
    cluster.kubectl(
        "wait",
        "--for=condition=Ready",
        f"sandbox/{name}",
        f"-n={NAMESPACE}",
        f"--timeout={SECONDS}s",
    )
    return sandbox(cluster, name)


def pods(cluster: Cluster) -> list[str]:
    found = cluster.get("pods", f"--namespace={NAMESPACE}")["items"]
    return [pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"]]


def opens(found: dict[str, Any]) -> bool:
    """Whether the sandbox's own server answers at its address, and not the Hub in its place."""
    assert found["status"]["url"].startswith("http://trainee-2.practicum.localhost")
    url = found["status"]["url"]
    with demo.client(url) as browser:
        answer = browser.get(f"{urlsplit(url).path}api")
    return answer.status_code == 200 and "version" in answer.text


def kill(cluster: Cluster, component: str) -> None:
    """Kill a component's Pods as a lost machine would: at once."""
    cluster.kubectl(
        "delete", "pod", "--namespace=practicum", f"-l=app.kubernetes.io/component={component}",
        "--grace-period=0", "--force", "--wait=false",
    )  # fmt: skip


def available(cluster: Cluster, component: str) -> None:
    cluster.kubectl(
        "rollout", "status", f"deployment/{component}", "--namespace=practicum",
        f"--timeout={SECONDS}s",
    )  # fmt: skip


def test_kubectl_alone_starts_a_sandbox_and_says_where_it_is(cluster: Cluster, make: Make) -> None:
    found = ready(cluster, make())
    assert found["status"]["phase"] == "Running"
    assert opens(found)


def test_an_operator_killed_in_the_middle_of_a_start_loses_and_doubles_nothing(
    cluster: Cluster, make: Make
) -> None:
    name = make()
    wait_for("the Pod", lambda: pods(cluster), seconds=SECONDS)
    kill(cluster, "operator")
    found = ready(cluster, name)
    assert found["status"]["attempt"] == 1
    assert pods(cluster) == [found["status"]["podName"]]
    assert opens(found)


def test_a_hub_killed_in_the_middle_of_a_start_delays_only_the_address(
    cluster: Cluster, make: Make
) -> None:
    name = make()
    wait_for("the Pod", lambda: pods(cluster), seconds=SECONDS)
    kill(cluster, "hub")
    found = ready(cluster, name)
    assert found["status"]["attempt"] == 1
    assert found["spec"]["desiredState"] == "Running"
    available(cluster, "hub")
    wait_for("the address", lambda: opens(found), seconds=SECONDS)


def test_a_restarted_proxy_finds_its_routes_again(cluster: Cluster, make: Make) -> None:
    found = ready(cluster, make())
    kill(cluster, "proxy")
    available(cluster, "proxy")
    wait_for("the route", lambda: opens(found), seconds=SECONDS)


def test_a_pod_deleted_by_hand_comes_back_as_another_attempt(cluster: Cluster, make: Make) -> None:
    found = ready(cluster, make())
    cluster.kubectl("delete", "pod", found["status"]["podName"], f"-n={NAMESPACE}")

    def again() -> bool:
        status = sandbox(cluster, found["metadata"]["name"])["status"]
        return bool(status["attempt"] == 2 and status["phase"] == "Running")

    wait_for("the second attempt", again, seconds=SECONDS)


def test_a_running_sandbox_that_is_deleted_leaves_nothing(cluster: Cluster, make: Make) -> None:
    name = ready(cluster, make())["metadata"]["name"]
    cluster.kubectl("delete", "sandbox", name, f"-n={NAMESPACE}", f"--timeout={SECONDS}s")
    wait_for("everything to be gone", lambda: not walk.left_over(cluster, name), seconds=SECONDS)


def test_a_sandbox_reaches_the_platform_and_nothing_else(cluster: Cluster, make: Make) -> None:
    pod = ready(cluster, make())["status"]["podName"]
    script = """
import json, socket, sys
answers = {}
for name, host, port in json.loads(sys.argv[1]):
    try:
        socket.create_connection((host, port), timeout=3).close()
        answers[name] = True
    except OSError:
        answers[name] = False
print(json.dumps(answers))
"""
    inside = "practicum.svc.cluster.local"
    targets = [
        ("hub", f"hub.{inside}", 8081),
        ("portal", f"portal.{inside}", 8080),
        ("proxy-api", f"proxy-api.{inside}", 8001),
        ("prometheus", f"prometheus.{inside}", 9090),
        ("operator", f"operator.{inside}", 9100),
        ("api-server", "kubernetes.default.svc.cluster.local", 443),
        ("metadata", "169.254.169.254", 80),
    ]
    said = cluster.kubectl(
        "exec", pod, f"-n={NAMESPACE}", "--", "python3", "-c", script, json.dumps(targets)
    )
    reached = {name for name, answered in json.loads(said).items() if answered}
    assert reached == {"hub", "portal"}


def test_a_lab_whose_image_is_nowhere_says_so_where_the_trainee_looks(
    cluster: Cluster, make: Make
) -> None:
    lab = cluster.get("lab", LAB)
    broken = {
        **{key: lab[key] for key in ("apiVersion", "kind", "spec")},
        "metadata": {"name": "broken"},
    }
    broken["spec"]["image"] = {"reference": "localhost/practicum/nowhere:1", "pullPolicy": "Never"}
    cluster.apply(broken)
    offered = cluster.get("cohort", COHORT)["spec"]["labs"]

    def offer(labs: list[str]) -> None:
        change = json.dumps({"spec": {"labs": labs}})
        cluster.kubectl("patch", "cohort", COHORT, "--type=merge", "-p", change)

    offer([*offered, "broken"])
    try:
        name = make("broken", lab="broken")

        def explained() -> bool:
            conditions = sandbox(cluster, name).get("status", {}).get("conditions", [])
            return any(item["reason"] == "ImageUnavailable" for item in conditions)

        wait_for("the reason", explained, seconds=SECONDS)
    finally:
        offer(offered)
        cluster.kubectl("delete", "lab", "broken")


def test_no_token_is_anywhere_but_in_secrets(cluster: Cluster, make: Make) -> None:
    ready(cluster, make())
    secrets = cluster.get("secrets", f"--namespace={NAMESPACE}")["items"]
    tokens = [
        base64.b64decode(value).decode()
        for secret in secrets
        for value in secret.get("data", {}).values()
    ]
    assert tokens
    kinds = "sandboxes,pods,events,configmaps"
    seen = cluster.kubectl("get", kinds, f"-n={NAMESPACE}", "-o=yaml")
    for component in ("operator", "hub", "portal"):
        seen += cluster.kubectl("logs", f"deployment/{component}", "-n=practicum", "--tail=-1")
    for token in tokens:
        assert token not in seen
