"""What the Hub's answers mean: one refused spawn says nothing about the others."""

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from practicum_operator.hub import Hub, HubError, HubNotFoundError, HubUnavailableError

BUSY = {"status": 503, "message": "Your sandbox is not ready to be connected yet."}


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        (403, {"message": "no scope"}, HubError),
        (404, {"message": "no such user"}, HubNotFoundError),
        (429, {"message": "Too many users trying to log in right now."}, HubError),
        (500, {"message": "Internal Server Error"}, HubError),
        (502, None, HubUnavailableError),
        (503, BUSY, HubError),
        (503, None, HubUnavailableError),
        (504, None, HubUnavailableError),
    ],
)
async def test_only_silence_is_an_absent_hub(status, answer, kind) -> None:
    async def start(_request: web.Request) -> web.Response:
        headers = {"Retry-After": "7"}
        if answer is None:
            return web.Response(status=status, headers=headers, text="<html>")
        return web.json_response(answer, status=status, headers=headers)

    application = web.Application()
    application.router.add_post("/users/{owner}/servers/{server}", start)
    async with TestServer(application) as server, aiohttp.ClientSession() as session:
        hub = Hub(session, str(server.make_url("")), "token", 5)
        with pytest.raises(HubError) as caught:
            await hub.start("trainee", "lora")
    assert type(caught.value) is kind
    assert caught.value.retry_after == 7
    assert answer is None or str(caught.value) == answer["message"]


async def test_a_connection_that_fails_is_an_absent_hub(unused_tcp_port) -> None:
    async with aiohttp.ClientSession() as session:
        hub = Hub(session, f"http://127.0.0.1:{unused_tcp_port}", "token", 5)
        with pytest.raises(HubUnavailableError):
            await hub.start("trainee", "lora")


async def test_one_refused_spawn_is_told_to_one_and_the_hub_is_there(world) -> None:
    await world.running("other")
    world.context.registrar.away = True
    world.hub.error = HubError(BUSY["message"], status=503, retry_after=5)
    world.make("Sandbox", "one", {"owner": "trainee", "lab": "lora"})
    await world.settle()
    world.run_pod()
    await world.settle()
    assert world.reason() == "Connecting"
    assert BUSY["message"] in str(world.status()["conditions"])
    assert not world.context.registrar.away
    assert world.status("other")["phase"] == "Running"
