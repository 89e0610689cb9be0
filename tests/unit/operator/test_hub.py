"""What the Hub answers, and what that means."""

from collections.abc import AsyncIterator

import pytest

from practicum_operator.hub import Hub, HubError, HubNotFoundError, HubUnavailableError, Server
from practicum_operator.wire import Answer, WireError

JSON = {"content-type": "application/json"}


class FakeWire:
    """Answers what it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer | Exception] = []
        self.asked: list[tuple[str, str, bytes]] = []

    async def request(self, method: str, target: str, headers: dict, body: bytes = b"") -> Answer:
        assert headers["Authorization"] == "token secret"
        self.asked.append((method, target, body))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def wire() -> FakeWire:
    return FakeWire()


@pytest.fixture
async def hub(wire) -> AsyncIterator[Hub]:
    return Hub(wire, "secret")


@pytest.mark.parametrize("status", [201, 202, 400])
async def test_that_a_server_runs_already_is_just_as_good(hub, wire, status) -> None:
    wire.answers = [Answer(status, {}, b"")]
    await hub.start("ming@example.org", "lora")
    assert wire.asked == [("POST", "/users/ming@example.org/servers/lora", b"{}")]


@pytest.mark.parametrize(
    ("answer", "error", "after"),
    [
        (Answer(404, JSON, b'{"message": "no such user"}'), HubNotFoundError, None),
        (Answer(403, JSON, b'{"message": "no scope"}'), HubError, None),
        (Answer(429, {"retry-after": "31"}, b""), HubUnavailableError, 31.0),
        (Answer(503, {}, b"<html>"), HubUnavailableError, 0.0),
        (Answer(500, JSON, b"not json"), HubUnavailableError, 0.0),
        (WireError("TimeoutError"), HubUnavailableError, 0.0),
    ],
)
async def test_refusals_are_told_apart(hub, wire, answer, error, after) -> None:
    wire.answers = [answer]
    with pytest.raises(error) as caught:
        await hub.start("one", "lora")
    assert type(caught.value) is error
    assert getattr(caught.value, "retry_after", None) == after


@pytest.mark.parametrize(("status", "gone"), [(204, True), (202, False), (404, True), (400, True)])
async def test_a_stop_tells_whether_it_is_over(hub, wire, status, gone) -> None:
    wire.answers = [Answer(status, {}, b"")]
    assert await hub.stop("one", "lora", forget=True) is gone
    assert wire.asked == [("DELETE", "/users/one/servers/lora", b'{"remove":true}')]


@pytest.mark.parametrize(
    ("answer", "server"),
    [
        (Answer(200, JSON, b'{"ready": true, "pending": null}'), Server(True, "")),
        (Answer(200, JSON, b'{"ready": false, "pending": "spawn"}'), Server(False, "spawn")),
        (Answer(404, {}, b""), None),
    ],
)
async def test_only_ready_counts(hub, wire, answer, server) -> None:
    wire.answers = [answer]
    assert await hub.server("one", "lora") == server


async def test_routes_are_read_page_by_page(hub, wire) -> None:
    def page(numbers: range) -> Answer:
        routes = ",".join(
            f'"/u{n}": {{"data": {{"user": "u{n}", "server_name": "lora"}}}}' for n in numbers
        )
        return Answer(200, JSON, f"{{{routes}}}".encode())

    hub_route = Answer(200, JSON, b'{"/": {"data": {"hub": true}}}')
    wire.answers = [page(range(200)), page(range(200, 210))]
    assert len(await hub.routes()) == 210
    wire.answers = [hub_route]
    assert await hub.routes() == set()
    assert wire.asked[1][1] == "/proxy?offset=200&limit=200"
