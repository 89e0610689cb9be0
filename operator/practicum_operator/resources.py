"""The kinds of object that the operator reads and writes, and their URLs."""

from dataclasses import dataclass

from practicum_api.names import API_VERSION


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind at the API server."""

    kind: str
    plural: str
    api_version: str = "v1"
    namespaced: bool = True

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the URL path of the collection, or of one object or a part of it."""
        root = "/api/v1" if self.api_version == "v1" else f"/apis/{self.api_version}"
        within = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        parts = "".join(f"/{part}" for part in (name, subresource) if part)
        return f"{root}{within}/{self.plural}{parts}"


ACCELERATOR_CLASSES = Resource("AcceleratorClass", "acceleratorclasses", API_VERSION, False)
LABS = Resource("Lab", "labs", API_VERSION, False)
COHORTS = Resource("Cohort", "cohorts", API_VERSION, False)
SANDBOXES = Resource("Sandbox", "sandboxes", API_VERSION)

NODES = Resource("Node", "nodes", namespaced=False)
NAMESPACES = Resource("Namespace", "namespaces", namespaced=False)
PODS = Resource("Pod", "pods")
SECRETS = Resource("Secret", "secrets")
CLAIMS = Resource("PersistentVolumeClaim", "persistentvolumeclaims")
SERVICE_ACCOUNTS = Resource("ServiceAccount", "serviceaccounts")
RESOURCE_QUOTAS = Resource("ResourceQuota", "resourcequotas")
LIMIT_RANGES = Resource("LimitRange", "limitranges")
LEASES = Resource("Lease", "leases", "coordination.k8s.io/v1")
EVENTS = Resource("Event", "events", "events.k8s.io/v1")
NETWORK_POLICIES = Resource("NetworkPolicy", "networkpolicies", "networking.k8s.io/v1")
ROLE_BINDINGS = Resource("RoleBinding", "rolebindings", "rbac.authorization.k8s.io/v1")

OURS = (ACCELERATOR_CLASSES, LABS, COHORTS, SANDBOXES)
BY_KIND = {
    item.kind: item
    for item in (
        *OURS,
        NODES,
        NAMESPACES,
        PODS,
        SECRETS,
        CLAIMS,
        SERVICE_ACCOUNTS,
        RESOURCE_QUOTAS,
        LIMIT_RANGES,
        EVENTS,
        NETWORK_POLICIES,
        ROLE_BINDINGS,
    )
}
