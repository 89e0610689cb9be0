"""The seam's real side: the few calls that the Hub makes to the Kubernetes API."""

import base64
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from http import HTTPStatus
from http.client import responses
from typing import Any

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration
from pydantic import ValidationError

from practicum_api.names import GROUP, VERSION
from practicum_api.sandbox import DesiredState, Sandbox
from practicum_hub.sandboxes import (
    Change,
    ConflictError,
    ExpiredError,
    Key,
    Listing,
    UnavailableError,
    key_of,
)

log = logging.getLogger(__name__)

FIELD_MANAGER = "practicum-hub"
TOKEN_KEY = "JUPYTERHUB_API_TOKEN"  # noqa: S105
"""The key of the token in an attempt's Secret."""
PAGE = 500
WATCH_SECONDS = 300
SILENCE_SECONDS = 120
"""Bookmarks come about once a minute; a connection that is silent for longer is dead."""
CALL_SECONDS = 15


async def connect() -> ApiClient:
    """Return a client with the Pod's ServiceAccount, or else the kubeconfig at hand."""
    configuration = Configuration()
    # Python 3.13 refuses certificates without an authority key identifier, which many clusters'
    # own authorities issue; everything else about them is still checked.
    configuration.disable_strict_ssl_verification = True
    try:
        config.load_incluster_config(configuration)
    except config.ConfigException:
        await config.load_kube_config(client_configuration=configuration)
    return ApiClient(configuration)


class KubernetesSandboxes:
    """`SandboxApi` on a real API server."""

    def __init__(self, client: ApiClient | None = None) -> None:
        self._client = client

    async def list(self) -> Listing:
        """Return all Sandboxes, page by page."""
        items: list[Sandbox] = []
        following = ""
        while True:
            page = await self._read("GET", _path(), {"limit": PAGE, "continue": following})
            items += filter(None, map(parse, page["items"]))
            following = page["metadata"].get("continue", "")
            if not following:
                return Listing(tuple(items), page["metadata"]["resourceVersion"])

    async def watch(self, resource_version: str) -> AsyncIterator[Change]:
        """Yield changes, bookmarks among them."""
        query: dict[str, str | int] = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": WATCH_SECONDS,
        }
        limits = aiohttp.ClientTimeout(sock_connect=CALL_SECONDS, sock_read=SILENCE_SECONDS)
        with _translated():
            response = await self._call("GET", _path(), query, limits=limits)
            async with response:
                yield Change(resource_version)
                async for line in response.content:
                    yield read_event(json.loads(line))

    async def get(self, key: Key) -> Sandbox | None:
        """Return one Sandbox."""
        try:
            return parse(await self._read("GET", _path(key)))
        except _MissingError:
            return None

    async def set_desired_state(self, sandbox: Sandbox, state: DesiredState) -> Sandbox | None:
        """Patch `desiredState` on exactly the version given."""
        body = {
            "metadata": {"resourceVersion": sandbox.metadata.resource_version},
            "spec": {"desiredState": state},
        }
        try:
            answer = await self._read(
                "PATCH", _path(key_of(sandbox)), {"fieldManager": FIELD_MANAGER}, body
            )
        except _MissingError:
            return None
        return parse(answer)

    async def token(self, namespace: str, secret: str) -> str | None:
        """Return the token of an attempt."""
        try:
            found = await self._read("GET", f"/api/v1/namespaces/{namespace}/secrets/{secret}")
        except _MissingError:
            return None
        encoded = found.get("data", {}).get(TOKEN_KEY)
        return base64.b64decode(encoded).decode() if encoded else None

    async def _read(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None = None,
        body: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        limits = aiohttp.ClientTimeout(total=CALL_SECONDS)
        with _translated():
            response = await self._call(method, path, query, body, limits)
            async with response:
                answer: dict[str, Any] = await response.json()
                return answer

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None = None,
        body: dict[str, Any] | None = None,
        limits: aiohttp.ClientTimeout | None = None,
    ) -> aiohttp.ClientResponse:
        if self._client is None:
            self._client = await connect()
        headers = {"Accept": "application/json", "Content-Type": "application/merge-patch+json"}
        arguments = await self._client.param_serialize(
            method,
            path,
            query_params=[(name, str(value)) for name, value in (query or {}).items() if value],
            header_params=headers,
            body=body,
            auth_settings=["BearerToken"],
        )
        answer = await self._client.call_api(*arguments, _request_timeout=limits)
        response: aiohttp.ClientResponse = answer.response
        if response.status >= HTTPStatus.BAD_REQUEST:
            response.release()
            raise _error(response.status)
        return response


class _MissingError(Exception):
    """404."""


def parse(body: dict[str, Any]) -> Sandbox | None:
    """Return the Sandbox in `body`, or None when it is none that we understand."""
    try:
        return Sandbox.model_validate(body)
    except ValidationError as error:
        meta = body.get("metadata", {})
        problems = ", ".join(".".join(map(str, item["loc"])) for item in error.errors())
        log.warning(
            "Sandbox %s/%s: can't read %s", meta.get("namespace"), meta.get("name"), problems
        )
        return None


def read_event(event: dict[str, Any]) -> Change:
    """Return the change that a line of a watch says; raises what an error event stands for."""
    body = event["object"]
    if event["type"] == "ERROR":
        raise _error(body.get("code", HTTPStatus.INTERNAL_SERVER_ERROR))
    resource_version = body["metadata"]["resourceVersion"]
    if event["type"] == "BOOKMARK":
        return Change(resource_version)
    return Change(resource_version, parse(body), deleted=event["type"] == "DELETED")


def _path(key: Key | None = None) -> str:
    if key is None:
        return f"/apis/{GROUP}/{VERSION}/sandboxes"
    return f"/apis/{GROUP}/{VERSION}/namespaces/{key[0]}/sandboxes/{key[1]}"


def _error(status: int) -> Exception:
    special: dict[int, type[Exception]] = {
        HTTPStatus.NOT_FOUND: _MissingError,
        HTTPStatus.CONFLICT: ConflictError,
        HTTPStatus.GONE: ExpiredError,
    }
    kind = special.get(status, UnavailableError)
    # Load balancers also answer 499, 520 and the like, which have no phrase.
    return kind(f"the Kubernetes API answered {status} {responses.get(status, '')}".rstrip())


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientError, TimeoutError, OSError, json.JSONDecodeError) as error:
        name = type(error).__name__
        raise UnavailableError(f"the Kubernetes API can't be reached ({name})") from error
