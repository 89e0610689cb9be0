"""HTTP that finds `*.localhost` on this machine, as browsers do (RFC 6761)."""

import httpx
from typing_extensions import override


def is_local(host: str) -> bool:
    """Whether a host name stands for this machine by its name alone."""
    return host == "localhost" or host.endswith(".localhost")


class LocalhostTransport(httpx.BaseTransport):
    """Sends requests for `*.localhost` to the loopback address; all others as they are."""

    def __init__(self, inner: httpx.BaseTransport | None = None) -> None:
        self._inner = inner or httpx.HTTPTransport()

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not is_local(request.url.host):
            return self._inner.handle_request(request)
        there = httpx.Request(
            request.method,
            request.url.copy_with(host="127.0.0.1"),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.host},
        )
        return self._inner.handle_request(there)

    @override
    def close(self) -> None:
        self._inner.close()
