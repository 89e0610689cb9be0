"""NetworkPolicies on a real node: the cases of Kubernetes' own conformance suite, and ours.

As upstream does it, three namespaces hold the same Pods, every one asks every other on every
port, and the whole table of answers has to be the expected one.
"""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

import pytest

NAMESPACES = ("x", "y", "z")
PODS = ("a", "b")
PORTS = ("tcp:8080", "tcp:8081", "udp:8080")
MEMBERS = tuple(product(NAMESPACES, PODS))
DENY_INGRESS = {"podSelector": {}, "policyTypes": ["Ingress"]}
DENY_EGRESS = {"podSelector": {}, "policyTypes": ["Egress"]}

Member = tuple[str, str]


class Call(NamedTuple):
    """One question of the table: does this Pod reach that one, on this port?"""

    source: Member
    target: Member
    port: str


Rule = Callable[[Call], bool]


@dataclass
class World:
    """The Pods, their addresses, and the means to ask who reaches whom."""

    cluster: object
    pool: object
    wait: Callable[..., None]
    addresses: dict[Member, str] = field(default_factory=dict)

    def policy(self, name: str, spec: dict, namespace: str = "x") -> None:
        self.cluster.policy(namespace, name, spec)

    def expect(self, allowed: Rule) -> None:
        """Wait until exactly what `allowed` says is reached, from every Pod to every Pod."""
        calls = [Call(*each) for each in product(MEMBERS, MEMBERS, PORTS)]
        wanted = {call: call.source == call.target or allowed(call) for call in calls}
        last: dict[Call, bool] = {}

        def agrees() -> bool:
            last.update(self.table())
            return last == wanted

        self.wait(lambda: f"the wrong answers {[c for c in calls if last[c] != wanted[c]]}", agrees)

    def table(self) -> dict[Call, bool]:
        rows = self.pool.map(self.row, MEMBERS)
        return {call: answer for row in rows for call, answer in row.items()}

    def row(self, source: Member) -> dict[Call, bool]:
        targets = {self.target(t, p): Call(source, t, p) for t, p in product(MEMBERS, PORTS)}
        answers = self.cluster.reached(*source, list(targets))
        return {call: answers[target] for target, call in targets.items()}

    def target(self, member: Member, port: str) -> str:
        protocol, _, number = port.partition(":")
        return f"{protocol}:{self.addresses[member]}:{number}"


@pytest.fixture(scope="module")
def pods(cluster, pool, wait) -> Iterator[World]:
    world = World(cluster, pool, wait)
    for name in NAMESPACES:
        cluster.core.create_namespace({"metadata": {"name": name, "labels": {"ns": name}}})
    wait(
        "service accounts",
        lambda: all(cluster.core.list_namespaced_service_account(n).items for n in NAMESPACES),
    )
    ports = [
        {
            "name": f"serve-{p.replace(':', '-')}",
            "containerPort": int(p[4:]),
            "protocol": p[:3].upper(),
        }
        for p in PORTS
    ]
    for namespace, name in MEMBERS:
        probe = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
        args = {"args": ["serve", *PORTS], "ports": ports, "readinessProbe": probe}
        cluster.pod(namespace, name, **args)
    for member in MEMBERS:
        wait(f"{member} to be ready", lambda member=member: bool(cluster.address(*member)))
        world.addresses[member] = cluster.address(*member)
    yield world
    for name in NAMESPACES:
        cluster.core.delete_namespace(name)


@pytest.fixture
def world(pods, cluster) -> Iterator[World]:
    yield pods
    for namespace in NAMESPACES:
        cluster.networking.delete_collection_namespaced_network_policy(namespace)
        body = {"metadata": {"labels": {"ns": namespace, "team": None}}}
        cluster.core.patch_namespace(namespace, body)
    for namespace, name in MEMBERS:
        body = {"metadata": {"labels": {"pod": name, "team": None}}}
        cluster.core.patch_namespaced_pod(name, namespace, body)


def ingress(*rules: dict, select: dict | None = None) -> dict:
    selector = {"matchLabels": select} if select else {}
    return {"podSelector": selector, "policyTypes": ["Ingress"], "ingress": list(rules)}


def egress(*rules: dict, select: dict | None = None) -> dict:
    selector = {"matchLabels": select} if select else {}
    return {"podSelector": selector, "policyTypes": ["Egress"], "egress": list(rules)}


def pod(name: str) -> dict:
    return {"podSelector": {"matchLabels": {"pod": name}}}


def ns(name: str) -> dict:
    return {"namespaceSelector": {"matchLabels": {"ns": name}}}


def port(number: int | str, protocol: str = "TCP", end: int | None = None) -> dict:
    return {"port": number, "protocol": protocol} | ({"endPort": end} if end else {})


def test_without_policies_everyone_reaches_everyone(world):
    world.expect(lambda _: True)


def test_deny_all_ingress(world):
    world.policy("deny", DENY_INGRESS)
    world.expect(lambda c: c.target[0] != "x")


def test_deny_all_egress(world):
    world.policy("deny", DENY_EGRESS)
    world.expect(lambda c: c.source[0] != "x")


def test_deny_both_in_one_policy(world):
    world.policy("deny", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})
    world.expect(lambda c: "x" not in (c.source[0], c.target[0]))


def test_allow_all_beats_deny(world):
    world.policy("deny", DENY_INGRESS)
    world.policy("allow", ingress({}))
    world.expect(lambda _: True)


def test_allow_from_a_pod_of_the_same_namespace(world):
    world.policy("allow", ingress({"from": [pod("b")]}, select={"pod": "a"}))
    world.expect(lambda c: c.target != ("x", "a") or c.source == ("x", "b"))


def test_allow_from_a_namespace(world):
    world.policy("allow", ingress({"from": [ns("y")]}))
    world.expect(lambda c: c.target[0] != "x" or c.source[0] == "y")


def test_allow_from_namespaces_by_expression(world):
    expression = {"key": "ns", "operator": "NotIn", "values": ["x", "y"]}
    peer = {"namespaceSelector": {"matchExpressions": [expression]}}
    world.policy("allow", ingress({"from": [peer]}))
    world.expect(lambda c: c.target[0] != "x" or c.source[0] == "z")


def test_selectors_of_one_peer_are_both_required(world):
    world.policy("allow", ingress({"from": [ns("y") | pod("a")]}))
    world.expect(lambda c: c.target[0] != "x" or c.source == ("y", "a"))


def test_of_several_peers_any_will_do(world):
    world.policy("allow", ingress({"from": [ns("y"), pod("b")]}))
    world.expect(lambda c: c.target[0] != "x" or c.source[0] == "y" or c.source == ("x", "b"))


def test_allow_by_port(world):
    world.policy("allow", ingress({"from": [ns("y")], "ports": [port(8081)]}))
    world.expect(lambda c: c.target[0] != "x" or (c.source[0] == "y" and c.port == "tcp:8081"))


def test_policies_add_up(world):
    world.policy("one", ingress({"from": [ns("y")], "ports": [port(8080)]}))
    world.policy("two", ingress({"from": [ns("y")], "ports": [port(8081)]}))
    world.expect(lambda c: c.target[0] != "x" or (c.source[0] == "y" and c.port.startswith("tcp")))


def test_allow_by_the_port_s_name(world):
    world.policy("allow", ingress({"ports": [port("serve-tcp-8081")]}))
    world.expect(lambda c: c.target[0] != "x" or c.port == "tcp:8081")


def test_allow_egress_by_the_port_s_name(world):
    world.policy("allow", egress({"to": [ns("y")], "ports": [port("serve-tcp-8081")]}))
    world.expect(lambda c: c.source[0] != "x" or (c.target[0] == "y" and c.port == "tcp:8081"))


def test_a_range_of_ports(world):
    world.policy("allow", ingress({"ports": [port(8081, end=8090)]}))
    world.expect(lambda c: c.target[0] != "x" or c.port == "tcp:8081")


def test_protocols_are_told_apart(world):
    world.policy("allow", ingress({"ports": [port(8080, "UDP")]}))
    world.expect(lambda c: c.target[0] != "x" or c.port == "udp:8080")


def test_sctp_is_not_tcp(world):
    world.policy("allow", ingress({"ports": [port(8080, "SCTP")]}))
    world.expect(lambda c: c.target[0] != "x")


def test_allow_egress_to_a_pod(world):
    world.policy("allow", egress({"to": [ns("y") | pod("b")]}, select={"pod": "a"}))
    world.expect(lambda c: c.source != ("x", "a") or c.target == ("y", "b"))


def test_egress_and_ingress_must_both_allow(world):
    world.policy("out", egress({"to": [ns("y")]}))
    world.policy("in", ingress({"from": [ns("x") | pod("a")]}), namespace="y")
    world.expect(
        lambda c: (
            (c.source[0] != "x" or c.target[0] == "y")
            and (c.target[0] != "y" or c.source == ("x", "a"))
        )
    )


def test_address_blocks_and_their_exceptions(world):
    b_of_y = f"{world.addresses['y', 'b']}/32"
    block = {"ipBlock": {"cidr": "10.244.0.0/24", "except": [b_of_y]}}
    world.policy("allow", egress({"to": [block]}))
    world.expect(lambda c: c.source[0] != "x" or c.target != ("y", "b"))


def test_an_exception_counts_in_its_own_rule_only(world):
    b_of_y = f"{world.addresses['y', 'b']}/32"
    block = {"ipBlock": {"cidr": "10.244.0.0/24", "except": [b_of_y]}}
    world.policy("allow", egress({"to": [block]}))
    world.policy("too", egress({"to": [{"ipBlock": {"cidr": b_of_y}}]}))
    world.expect(lambda _: True)


def test_changes_take_effect(world, cluster):
    world.policy("deny", ingress({"from": [{"podSelector": {"matchLabels": {"team": "red"}}}]}))
    world.expect(lambda c: c.target[0] != "x")
    red = {"metadata": {"labels": {"team": "red"}}}
    cluster.core.patch_namespaced_pod("b", "x", red)
    world.expect(lambda c: c.target[0] != "x" or c.source == ("x", "b"))
    namespaces = {"namespaceSelector": {"matchLabels": {"team": "red"}}}
    world.policy("deny", ingress({"from": [namespaces]}))
    world.expect(lambda c: c.target[0] != "x")
    cluster.core.patch_namespace("z", red)
    world.expect(lambda c: c.target[0] != "x" or c.source[0] == "z")
    cluster.networking.delete_namespaced_network_policy("deny", "x")
    world.expect(lambda _: True)


def test_node_and_api_server(world, cluster, wait):
    """Closed egress shuts both; a block of exactly the API server's address opens it."""
    node, api_port = "10.250.0.1", cluster.core.api_client.configuration.host.rpartition(":")[2]
    kubelet, server, service = f"tcp:{node}:10250", f"tcp:{node}:{api_port}", "tcp:10.96.0.1:443"

    def reaches(wanted: dict[str, bool]) -> None:
        # A TLS server closes on our byte without an answer, so ask by connecting alone.
        asked = [t.replace("tcp:", "connect:") for t in wanted]
        expected = dict(zip(asked, wanted.values(), strict=True))
        wait(f"{wanted}", lambda: cluster.reached("x", "a", asked) == expected)

    reaches({kubelet: True, server: True, service: True})
    world.policy("deny", DENY_EGRESS)
    reaches({kubelet: False, server: False, service: False})
    block = {"ipBlock": {"cidr": f"{node}/32"}}
    world.policy("allow", egress({"to": [block], "ports": [port(int(api_port))]}))
    reaches({kubelet: False, server: True, service: True})


def test_the_node_always_reaches_its_pods(world, cluster, wait):
    world.policy("deny", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})
    world.expect(lambda c: "x" not in (c.source[0], c.target[0]))
    cluster.pod("x", "late", args=["serve", "tcp:8080"],
                readinessProbe={"tcpSocket": {"port": 8080}, "periodSeconds": 1})  # fmt: skip
    try:
        wait("the kubelet's probe to pass", lambda: bool(cluster.address("x", "late")))
    finally:
        cluster.core.delete_namespaced_pod("late", "x")


def test_services_are_seen_as_the_pods_behind_them(world, cluster, wait):
    ports = [{"port": 9000, "targetPort": 8080}]
    spec = {"selector": {"pod": "a"}, "ports": ports}
    service = cluster.core.create_namespaced_service("y", {"metadata": {"name": "a"}, "spec": spec})
    target = f"tcp:{service.spec.cluster_ip}:9000"
    try:
        wait("the Service", lambda: cluster.reached("x", "a", [target])[target])
        assert cluster.reached("y", "a", [target])[target], "a Pod reaches itself by its Service"
        world.policy("only", ingress({"from": [pod("b")]}), namespace="y")
        wait("the policy", lambda: not cluster.reached("x", "a", [target])[target])
        assert cluster.reached("y", "b", [target])[target]
        assert cluster.reached("y", "a", [target])[target], "and no policy keeps it from itself"
    finally:
        cluster.core.delete_namespaced_service("a", "y")


def test_dns_answers_only_whom_policies_let_ask(world, cluster, wait):
    dns = "udp:10.96.0.10:53"
    asked = dns.replace("udp:", "dns:")
    wait("DNS", lambda: cluster.reached("x", "a", [asked])[asked])
    world.policy("deny", DENY_EGRESS)
    wait("the policy", lambda: not cluster.reached("x", "a", [asked])[asked])
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
    world.policy("dns", egress({"to": [peer], "ports": [port(53, "UDP")]}))
    wait("DNS again", lambda: cluster.reached("x", "a", [asked])[asked])


def test_a_new_policy_cuts_live_connections(world, cluster, wait):
    target = world.target(("y", "a"), "tcp:8080")
    cluster.pod("x", "caller", args=["hold", target])

    def log() -> str:
        return str(cluster.core.read_namespaced_pod_log("caller", "x"))

    def started() -> bool:
        phase = cluster.core.read_namespaced_pod_status("caller", "x").status.phase
        return phase != "Pending" and "open" in log()

    try:
        wait("the connection", started)
        assert "cut" not in log()
        world.policy("deny", DENY_INGRESS, namespace="y")
        wait("its end", lambda: "cut" in log())
    finally:
        cluster.core.delete_namespaced_pod("caller", "x")


def test_a_pod_has_its_rules_from_its_first_packet_on(world, cluster, wait):
    """Ten Pods that call at once when they start: not one may get through, nor be held up."""
    world.policy("deny", DENY_EGRESS)
    world.expect(lambda c: c.source[0] != "x")
    targets = [world.target(("y", "a"), "tcp:8080")]
    names = [f"new-{number}" for number in range(5)]
    for name in names:
        cluster.pod("x", name, args=["try", *targets])
        cluster.pod("z", name, args=["try", *targets])
    try:
        for namespace, expected in (("x", "false"), ("z", "true")):
            for name in names:
                wait(f"{namespace}/{name}", lambda who=(namespace, name): ended(cluster, *who))
                said = str(cluster.core.read_namespaced_pod_log(name, namespace))
                assert expected in said.lower(), f"{namespace}/{name} said {said}"
    finally:
        for name in names:
            for namespace in ("x", "z"):
                cluster.core.delete_namespaced_pod(name, namespace)


def test_a_pod_waits_for_an_enforcer_that_does_not_answer(world, cluster, node_pids, wait):
    world.policy("deny", DENY_EGRESS)
    world.expect(lambda c: c.source[0] != "x")
    (enforcer,) = node_pids("--pod-range=")
    os.kill(enforcer, signal.SIGSTOP)
    try:
        cluster.pod("x", "early", args=["try", world.target(("y", "a"), "tcp:8080")])
        wait("the plugin to ask", lambda: bool(node_pids("cni/bin/practicum-netpol")))
        assert cluster.core.read_namespaced_pod_status("early", "x").status.phase == "Pending"
        os.kill(enforcer, signal.SIGCONT)
        wait("its end", lambda: ended(cluster, "x", "early"))
        assert "false" in str(cluster.core.read_namespaced_pod_log("early", "x")).lower()
    finally:
        os.kill(enforcer, signal.SIGCONT)
        cluster.core.delete_namespaced_pod("early", "x")


def ended(cluster, namespace: str, name: str) -> bool:
    status = cluster.core.read_namespaced_pod_status(name, namespace).status
    return bool(status.phase == "Succeeded")


def test_rules_stay_while_the_enforcer_is_away(world, node_pids, wait):
    world.policy("deny", DENY_INGRESS)
    world.expect(lambda c: c.target[0] != "x")
    (enforcer,) = node_pids("--pod-range=")
    os.kill(enforcer, signal.SIGKILL)
    for call, reached in world.table().items():
        assert reached == (call.target[0] != "x" or call.source == call.target), call
    wait("another enforcer", lambda: node_pids("--pod-range=") not in ([], [enforcer]))
    world.policy("allow", ingress({"from": [ns("y")]}))
    world.expect(lambda c: c.target[0] != "x" or c.source[0] == "y")
