"""NetworkPolicies of a Cohort's namespace: everything is shut but what the platform needs.

Ports are those of the Pods, since policies see a packet after the Service's address is translated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from practicum_api import labels
from practicum_api.cohort import Cohort
from practicum_api.lab import Egress, Lab
from practicum_operator.builders.meta import Manifest, in_cohort

NOTEBOOK_PORT = 8888
ACTIVITY_PORT = 8889
_HUB_API_PORT = 8081
_PORTAL_PORT = 8080
_DNS_PROTOCOLS = ("UDP", "TCP")
_NAMESPACE_NAME = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True)
class Site:
    """What policies must know of the cluster they are for."""

    namespace: str
    dns_selector: dict[str, str]
    dns_namespace: dict[str, str]
    dns_ports: tuple[int, ...]
    dns_cidrs: tuple[str, ...] = ()
    private_cidrs: tuple[str, ...] = ()


def egress_trouble(egress: Egress) -> str:
    """Return which range the API server would refuse in a policy, or nothing."""
    for rule in egress.cidrs:
        outer = _range(rule.cidr)
        if outer is None:
            return f"egress: {rule.cidr} is not a range of addresses."
        for hole in rule.except_:
            inner = _range(hole)
            if inner is None or inner == outer or not inner.subnet_of(outer):
                return f"egress: {hole} is not a range inside {rule.cidr}."
    return ""


def _range(text: str) -> IPv4Network | None:
    try:
        return IPv4Network(text, strict=False)
    except ValueError:
        return None


def build_policies(cohort: Cohort, labs: Sequence[Lab], site: Site) -> list[Manifest]:
    """Return all NetworkPolicies of ``cohort``, whose labs are ``labs``.

    A lab whose ranges are wrong stays shut: one refused policy would hold up the whole cohort.
    """
    open_labs = [lab for lab in labs if lab.spec.egress.mode != "Closed"]
    egress = [
        build_lab_policy(cohort, lab, site)
        for lab in open_labs
        if not egress_trouble(lab.spec.egress)
    ]
    return [build_closed_policy(cohort), build_platform_policy(cohort, site), *egress]


def build_closed_policy(cohort: Cohort) -> Manifest:
    """Return the policy that shuts every Pod in both directions."""
    return _policy(
        cohort, "default-deny", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    )


def build_platform_policy(cohort: Cohort, site: Site) -> Manifest:
    """Return the policy that lets sandboxes and the platform reach one another."""
    dns: list[Manifest] = [
        {
            "namespaceSelector": {"matchLabels": site.dns_namespace},
            "podSelector": {"matchLabels": site.dns_selector},
        },
        *({"ipBlock": {"cidr": cidr}} for cidr in site.dns_cidrs),
    ]
    both = [
        {"protocol": protocol, "port": port}
        for port in site.dns_ports
        for protocol in _DNS_PROTOCOLS
    ]
    return _policy(
        cohort,
        "platform",
        {
            "podSelector": {"matchLabels": labels.component("sandbox")},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {
                    "from": [_component("proxy", site), _component("hub", site)],
                    "ports": _tcp(NOTEBOOK_PORT),
                },
                {"from": [_component("operator", site)], "ports": _tcp(ACTIVITY_PORT)},
            ],
            "egress": [
                {"to": dns, "ports": both},
                {"to": [_component("hub", site)], "ports": _tcp(_HUB_API_PORT)},
                {"to": [_component("portal", site)], "ports": _tcp(_PORTAL_PORT)},
            ],
        },
    )


def build_lab_policy(cohort: Cohort, lab: Lab, site: Site) -> Manifest:
    """Return the policy that opens what ``lab`` may reach beyond the platform."""
    egress = lab.spec.egress
    if egress.mode == "Internet":
        blocks: list[Manifest] = [{"cidr": "0.0.0.0/0", "except": list(site.private_cidrs)}]
    else:
        blocks = [
            {"cidr": rule.cidr} | ({"except": list(rule.except_)} if rule.except_ else {})
            for rule in egress.cidrs
        ]
    return _policy(
        cohort,
        f"lab-{lab.metadata.name}",
        {
            "podSelector": {"matchLabels": {labels.LAB: lab.metadata.name}},
            "policyTypes": ["Egress"],
            "egress": [{"to": [{"ipBlock": block} for block in blocks]}],
        },
    )


def _policy(cohort: Cohort, name: str, spec: Manifest) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": in_cohort(cohort, name),
        "spec": spec,
    }


def _component(name: str, site: Site) -> Manifest:
    return {
        "namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: site.namespace}},
        "podSelector": {"matchLabels": labels.component(name)},
    }


def _tcp(port: int) -> list[Manifest]:
    return [{"protocol": "TCP", "port": port}]
