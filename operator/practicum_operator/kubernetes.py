"""The one module that talks to the Kubernetes API server, on plain dicts and with typed errors.

Credentials come from ``kubernetes.aio.config``; requests go straight through aiohttp, since the
generated client costs three to four times the processor time of a request.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
from aiohttp.client_middlewares import ClientHandlerType
from kubernetes.aio import client, config
from pydantic_core import from_json, to_json
from yarl import URL

from practicum_operator.resources import Resource

Body = dict[str, Any]

MANAGER = "practicum-operator"
_METADATA_ONLY = (
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json;q=0.9"
)
_PAGE = 500
_WATCH_SECONDS = 280
_WATCH_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=20, sock_read=_WATCH_SECONDS + 20)


class KubernetesError(Exception):
    """A request that the API server did not fulfil."""

    def __init__(self, message: str, *, status: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class NotFoundError(KubernetesError):
    """404: there is no such object."""


class ForbiddenError(KubernetesError):
    """403: the account may not do this."""


class QuotaError(ForbiddenError):
    """403: a ResourceQuota has no room, or has not been reckoned yet."""


class AlreadyExistsError(KubernetesError):
    """409: an object of this name exists."""


class ConflictError(KubernetesError):
    """409: the object has changed since it was read."""


class GoneError(KubernetesError):
    """410: the resource version is too old."""


class InvalidError(KubernetesError):
    """400 or 422: the API server refuses the object as it is."""


class TooManyRequestsError(KubernetesError):
    """429: try again after ``retry_after`` seconds."""

    retry_after: float = 1.0


class UnavailableError(KubernetesError):
    """No answer, or a 5xx one: the API server is away or overloaded."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list request returned."""

    items: list[Body]
    resource_version: str


CallObserver = Callable[[str, str, str], None]
"""Called with verb, resource and status code of every request."""


class Kubernetes:
    """A client of the API server. Every method raises `KubernetesError` or one of its kinds."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        server: str,
        *,
        wait: float,
        observe: CallObserver = lambda _verb, _resource, _code: None,
    ) -> None:
        self.session = session
        self.server = server
        self._timeout = aiohttp.ClientTimeout(total=wait)
        self._observe = observe

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        kubeconfig: Path | None,
        *,
        connections: int,
        wait: float,
        observe: CallObserver = lambda _verb, _resource, _code: None,
    ) -> AsyncIterator[Self]:
        """Open a client with the credentials of ``kubeconfig`` or of the ServiceAccount."""
        configuration = client.Configuration()
        # Python 3.13 refuses certificates without an authority key identifier, which many clusters'
        # own authorities issue; everything else about them is still checked.
        configuration.disable_strict_ssl_verification = True
        if kubeconfig is None:
            config.load_incluster_config(configuration)
        else:
            await config.load_kube_config(
                str(kubeconfig), client_configuration=configuration, persist_config=False
            )

        async def authorize(
            request: aiohttp.ClientRequest, handler: ClientHandlerType
        ) -> aiohttp.ClientResponse:
            # Asked for each time, since tokens of ServiceAccounts are renewed every hour.
            token = await configuration.get_api_key_with_prefix("BearerToken")
            if token:
                request.headers["Authorization"] = token
            return await handler(request)

        rest = client.ApiClient(configuration).rest_client
        connector = aiohttp.TCPConnector(limit=connections, ssl=rest.ssl_context)
        middlewares = (authorize,) if configuration.api_key else ()
        async with aiohttp.ClientSession(
            connector=connector,
            middlewares=middlewares,
            # No cookies here, and nothing compressed: both would only cost time.
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity", "User-Agent": MANAGER},
            read_bufsize=2**21,
        ) as session:
            yield cls(session, configuration.host, wait=wait, observe=observe)

    async def get(self, resource: Resource, name: str, namespace: str = "") -> Body:
        """Return one object."""
        return await self._request("get", resource, resource.path(namespace, name))

    async def list(self, resource: Resource, *, namespace: str = "", selector: str = "") -> Listing:
        """Return all objects of a kind, in as many pages as it takes."""
        items: list[Body] = []
        query = {"limit": str(_PAGE)} | ({"labelSelector": selector} if selector else {})
        while True:
            page = await self._request("list", resource, resource.path(namespace), query=query)
            items += page["items"]
            proceed = page["metadata"].get("continue")
            if not proceed:
                return Listing(items, page["metadata"]["resourceVersion"])
            query = {**query, "continue": proceed}

    async def watch(
        self, resource: Resource, *, since: str, selector: str = ""
    ) -> AsyncIterator[tuple[str, Body]]:
        """Yield each event after version ``since``, until the API server ends the stream.

        Raises GoneError when that version is too old to go on from: then list anew.
        """
        query = {
            "watch": "1",
            "resourceVersion": since,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(_WATCH_SECONDS),
        } | ({"labelSelector": selector} if selector else {})
        try:
            async with self.session.get(
                self._url(resource.path(), query), timeout=_WATCH_TIMEOUT
            ) as response:
                self._observe("watch", resource.plural, str(response.status))
                if response.status >= 400:  # noqa: PLR2004 - HTTP's first error
                    raw = await response.read()
                    raise _error(response.status, raw, response.headers.get("Retry-After"))
                async for event in _events(response.content):
                    yield event
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnavailableError(f"watch {resource.plural}: {type(error).__name__}") from error

    async def create(self, resource: Resource, body: Body) -> Body:
        """Create an object and return its metadata; AlreadyExistsError when there is one."""
        path = resource.path(body["metadata"].get("namespace", ""))
        return await self._request("create", resource, path, body=body, brief=True)

    async def apply(self, resource: Resource, body: Body, *, dry_run: bool = False) -> Body:
        """Apply an object server-side, winning conflicts, and return it as it is now."""
        meta = body["metadata"]
        query = {"fieldManager": MANAGER, "force": "true"} | ({"dryRun": "All"} if dry_run else {})
        return await self._request(
            "apply",
            resource,
            resource.path(meta.get("namespace", ""), meta["name"]),
            query=query,
            body=body,
            content="application/apply-patch+yaml",
        )

    async def replace(self, resource: Resource, body: Body) -> Body:
        """Replace an object with ``body``, whatever others have added to it."""
        meta = body["metadata"]
        path = resource.path(meta.get("namespace", ""), meta["name"])
        return await self._request("update", resource, path, body=body)

    async def merge_patch(
        self,
        resource: Resource,
        name: str,
        body: Mapping[str, Any],
        *,
        namespace: str = "",
        subresource: str = "",
        manager: str = MANAGER,
    ) -> Body:
        """Merge ``body`` into an object and return its metadata.

        A ``metadata.resourceVersion`` in it makes this fail with ConflictError when the object has
        changed since.
        """
        return await self._request(
            f"patch_{subresource}" if subresource else "patch",
            resource,
            resource.path(namespace, name, subresource),
            query={"fieldManager": manager},
            body=body,
            content="application/merge-patch+json",
            brief=True,
        )

    async def json_patch(
        self,
        resource: Resource,
        name: str,
        operations: Sequence[Mapping[str, Any]],
        *,
        namespace: str = "",
    ) -> Body:
        """Apply JSON Patch operations and return the metadata."""
        return await self._request(
            "patch",
            resource,
            resource.path(namespace, name),
            query={"fieldManager": MANAGER},
            body=operations,
            content="application/json-patch+json",
            brief=True,
        )

    async def delete(
        self, resource: Resource, name: str, *, namespace: str = "", uid: str = ""
    ) -> Body:
        """Delete an object, only if it has ``uid`` where one is given; return its metadata."""
        body: Body = {"propagationPolicy": "Background"}
        if uid:
            body["preconditions"] = {"uid": uid}
        return await self._request(
            "delete", resource, resource.path(namespace, name), body=body, brief=True
        )

    async def _request(
        self,
        verb: str,
        resource: Resource,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content: str = "application/json",
        brief: bool = False,
    ) -> Body:
        headers = {"Accept": _METADATA_ONLY if brief else "application/json"}
        if body is not None:
            headers["Content-Type"] = content
        code = "none"
        try:
            async with self.session.request(
                _METHODS.get(verb, "PATCH"),
                self._url(path, query),
                data=None if body is None else to_json(body),
                headers=headers,
                timeout=self._timeout,
            ) as response:
                raw = await response.read()
                code = str(response.status)
                if response.status >= 400:  # noqa: PLR2004 - HTTP's first error
                    raise _error(response.status, raw, response.headers.get("Retry-After"))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            what = f"{verb} {resource.plural}: {type(error).__name__}"
            raise UnavailableError(what) from error
        finally:
            self._observe(verb, resource.plural, code)
        parsed: Body = from_json(raw)
        return parsed

    def _url(self, path: str, query: Mapping[str, str] | None) -> URL:
        """Return a URL whose parts are known to need no escaping but in the query."""
        text = f"{self.server}{path}?{urlencode(query)}" if query else f"{self.server}{path}"
        return URL(text, encoded=True)


_METHODS = {"get": "GET", "list": "GET", "create": "POST", "update": "PUT", "delete": "DELETE"}
_ERRORS: dict[int, type[KubernetesError]] = {
    400: InvalidError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: GoneError,
    422: InvalidError,
    429: TooManyRequestsError,
}
_QUOTA_WORDS = ("exceeded quota", "status unknown for quota")
"""The second is said of a ResourceQuota that has just been made."""


async def _events(stream: aiohttp.StreamReader) -> AsyncIterator[tuple[str, Body]]:
    """Yield the events of a watch, one JSON object a line, as many at once as have arrived."""
    rest = b""
    async for chunk in stream.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if not line:
                continue
            event = from_json(line)
            if event["type"] == "ERROR":
                code = int(event["object"].get("code", 0))
                raise _error(code, to_json(event["object"]), None)
            yield event["type"], event["object"]


def _error(status: int, raw: bytes, retry_after: str | None) -> KubernetesError:
    """Return the typed error for an answer of the API server."""
    try:
        answer = from_json(raw)
    except ValueError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    message = str(answer.get("message", "")) or raw[:200].decode(errors="replace")
    reason = str(answer.get("reason", ""))
    kind = _ERRORS.get(status, UnavailableError if status >= 500 else KubernetesError)  # noqa: PLR2004
    if status == 409 and reason == "AlreadyExists":  # noqa: PLR2004
        kind = AlreadyExistsError
    if status == 403 and any(words in message for words in _QUOTA_WORDS):  # noqa: PLR2004
        kind = QuotaError
    error = kind(message, status=status, reason=reason)
    if isinstance(error, TooManyRequestsError) and retry_after and retry_after.isdigit():
        error.retry_after = float(retry_after)
    return error
