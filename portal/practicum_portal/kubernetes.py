"""The seam to the Kubernetes API: plain dicts of our own kinds in and out, typed errors."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import aiohttp
from typing_extensions import override

from practicum_api.names import API_VERSION, GROUP, VERSION

FIELD_MANAGER = "practicum-portal"
_PAGE = 500
_WATCH_SECONDS = 50
_KINDS = {
    "acceleratorclasses": "AcceleratorClass",
    "labs": "Lab",
    "cohorts": "Cohort",
    "sandboxes": "Sandbox",
}

Body = dict[str, Any]


class KubernetesError(Exception):
    """The API server refused: its HTTP status, the machine's word and the text for people."""

    def __init__(
        self,
        status: int,
        reason: str = "",
        message: str = "",
        *,
        causes: tuple[Mapping[str, Any], ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.causes = causes
        self.retry_after = retry_after


class KubernetesAwayError(Exception):
    """The API server did not answer, or not in time."""


class Kubernetes(Protocol):
    """What the portal asks of the API server. Plurals name our kinds, as `sandboxes`."""

    async def list(self, plural: str) -> tuple[list[Body], str]:
        """Return all objects of a kind in all namespaces, and the version of the list."""
        ...

    def watch(self, plural: str, version: str) -> AsyncIterator[Body]:
        """Yield watch events after ``version``; ends by itself within a minute."""
        ...

    async def get(self, plural: str, name: str, namespace: str = "") -> Body:
        """Return one object."""
        ...

    async def create(self, plural: str, body: Body, namespace: str = "") -> Body:
        """Create an object and return it as stored."""
        ...

    async def patch(self, plural: str, name: str, body: Body, namespace: str = "") -> Body:
        """Apply a merge patch and return the object as stored."""
        ...

    async def delete(self, plural: str, name: str, namespace: str = "", *, uid: str = "") -> None:
        """Ask for deletion; with ``uid`` only of that very object."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


def manifest(plural: str, name: str, spec: Body) -> Body:
    """Return a new object of a kind."""
    return {
        "apiVersion": API_VERSION,
        "kind": _KINDS[plural],
        "metadata": {"name": name},
        "spec": spec,
    }


class KubernetesApi(Kubernetes):
    """`Kubernetes` over HTTP, with the client library's configuration and credentials."""

    def __init__(self, client: Any, *, seconds: float) -> None:
        self._client = client
        self._seconds = seconds

    @classmethod
    async def connect(
        cls, *, kubeconfig: Path | None, context: str, seconds: float
    ) -> "KubernetesApi":
        """Return a client for the kubeconfig, or for the Pod's service account without one."""
        from kubernetes.aio import client, config

        configuration = client.Configuration()
        # Python 3.13 refuses certificates without an authority key identifier, which many clusters'
        # own authorities issue; everything else about them is still checked.
        configuration.disable_strict_ssl_verification = True
        if kubeconfig is None:
            config.load_incluster_config(client_configuration=configuration)
        else:
            await config.load_kube_config(
                config_file=str(kubeconfig),
                context=context or None,
                client_configuration=configuration,
                persist_config=False,
            )
        return cls(client.ApiClient(configuration), seconds=seconds)

    @override
    async def close(self) -> None:
        await self._client.close()

    @override
    async def list(self, plural: str) -> tuple[list[Body], str]:
        items: list[Body] = []
        query: dict[str, Any] = {"limit": _PAGE}
        while True:
            page = await self._json("GET", plural, query=query)
            items += page.get("items", [])
            following = page["metadata"].get("continue")
            if not following:
                return items, page["metadata"]["resourceVersion"]
            query = {"limit": _PAGE, "continue": following}

    @override
    async def watch(self, plural: str, version: str) -> AsyncIterator[Body]:
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": _WATCH_SECONDS,
        }
        limit = aiohttp.ClientTimeout(
            total=None, sock_connect=self._seconds, sock_read=_WATCH_SECONDS + self._seconds
        )
        try:
            response = await self._request("GET", plural, query=query, limit=limit)
            async with response:
                await _check(response)
                async for line in response.content:
                    yield _event(json.loads(line))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise KubernetesAwayError(type(error).__name__) from error

    @override
    async def get(self, plural: str, name: str, namespace: str = "") -> Body:
        return await self._json("GET", plural, name=name, namespace=namespace)

    @override
    async def create(self, plural: str, body: Body, namespace: str = "") -> Body:
        return await self._json(
            "POST",
            plural,
            namespace=namespace,
            query={"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"},
            body=body,
        )

    @override
    async def patch(self, plural: str, name: str, body: Body, namespace: str = "") -> Body:
        return await self._json(
            "PATCH",
            plural,
            name=name,
            namespace=namespace,
            query={"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"},
            body=body,
        )

    @override
    async def delete(self, plural: str, name: str, namespace: str = "", *, uid: str = "") -> None:
        body = {"preconditions": {"uid": uid}} if uid else None
        await self._json("DELETE", plural, name=name, namespace=namespace, body=body)

    async def _json(self, method: str, plural: str, **how: Any) -> Body:
        limit = aiohttp.ClientTimeout(total=self._seconds)
        try:
            response = await self._request(method, plural, limit=limit, **how)
            async with response:
                await _check(response)
                answer: Body = await response.json()
                return answer
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise KubernetesAwayError(type(error).__name__) from error

    async def _request(
        self,
        method: str,
        plural: str,
        *,
        limit: aiohttp.ClientTimeout,
        name: str = "",
        namespace: str = "",
        query: Mapping[str, Any] | None = None,
        body: Body | None = None,
    ) -> aiohttp.ClientResponse:
        path = f"/apis/{GROUP}/{VERSION}"
        if namespace:
            path += f"/namespaces/{quote(namespace, safe='')}"
        path += f"/{plural}" + (f"/{quote(name, safe='')}" if name else "")
        headers = {"Accept": "application/json"}
        if method == "PATCH":
            headers["Content-Type"] = "application/merge-patch+json"
        parts = await self._client.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params=headers,
            body=body,
            auth_settings=["BearerToken"],
        )
        answer = await self._client.rest_client.request(
            parts[0], parts[1], headers=parts[2], body=parts[3], _request_timeout=limit
        )
        response: aiohttp.ClientResponse = answer.response
        return response


async def _check(response: aiohttp.ClientResponse) -> None:
    if response.status < 400:  # noqa: PLR2004 - HTTP's first error status
        return
    text = await response.text()
    try:
        status = json.loads(text)
    except ValueError:
        status = {}
    raise _error(status if isinstance(status, dict) else {}, response)


def _error(status: Body, response: aiohttp.ClientResponse) -> KubernetesError:
    retry_after = response.headers.get("Retry-After", "")
    return KubernetesError(
        response.status,
        status.get("reason") or response.reason or "",
        status.get("message") or "",
        causes=tuple((status.get("details") or {}).get("causes") or ()),
        retry_after=float(retry_after) if retry_after.isdecimal() else None,
    )


def _event(event: Body) -> Body:
    if event["type"] == "ERROR":
        status = event["object"]
        raise KubernetesError(
            status.get("code", 500), status.get("reason", ""), status.get("message", "")
        )
    return event
