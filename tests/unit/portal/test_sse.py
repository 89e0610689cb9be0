"""Event streams: what goes over the wire, and when they end."""

import asyncio
import json

import pytest

from practicum_portal.errors import TooManyRequestsError, UnavailableError
from practicum_portal.sse import Event, Streams


@pytest.fixture
def database_kind():
    return "sqlite"


async def yes():
    return True


async def endless():
    yield Event("one")
    await asyncio.Event().wait()


async def read(response, most):
    chunks = []
    async with asyncio.timeout(20):
        async for chunk in response.body_iterator:
            chunks.append(chunk.decode())
            if len(chunks) == most:
                break
    return chunks


def test_an_event_keeps_its_lines():
    event = Event("a\nb", name="points", id="7")
    assert event.encode() == b"id: 7\nevent: points\ndata: a\ndata: b\n\n"
    assert Event("").encode() == b"data: \n\n"
    assert Event("a\r\nb\rc").encode() == b"data: a\ndata: b\ndata: c\n\n"


def test_only_ends_of_lines_end_lines():
    text = '{"name": "a\u2028b\u2029c\u0085d\x0be"}'
    assert Event(text).encode().decode() == f"data: {text}\n\n"


async def test_a_quiet_stream_says_that_it_lives():
    response = Streams(heartbeat_seconds=0.01).response(endless(), who="trainee", still=yes)
    chunks = await read(response, 4)
    assert chunks == ["retry: 3000\n\n", "data: one\n\n", ": beat\n\n", ": beat\n\n"]
    assert response.headers["x-accel-buffering"] == "no"
    await response.body_iterator.aclose()


async def test_it_ends_when_rights_are_gone_or_can_not_be_told():
    async def gone():
        return False

    async def away():
        raise UnavailableError("away")

    for still in (gone, away):
        response = Streams(heartbeat_seconds=0.01).response(endless(), who="trainee", still=still)
        assert len(await read(response, 100)) == 2


async def test_a_busy_stream_is_looked_at_as_well():
    async def busy():
        while True:
            yield Event("x")
            await asyncio.sleep(0)

    checks = 0

    async def few():
        nonlocal checks
        checks += 1
        return checks < 3

    response = Streams(heartbeat_seconds=0.005).response(busy(), who="trainee", still=few)
    await read(response, 1_000_000)
    assert checks == 3


async def test_stopping_ends_all_streams_and_what_feeds_them():
    closed = []

    async def feeding():
        try:
            yield Event("one")
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    streams = Streams(heartbeat_seconds=60)
    response = streams.response(feeding(), who="trainee", still=yes)
    reading = asyncio.create_task(read(response, 100))
    while not closed and not reading.done():
        await asyncio.sleep(0.01)
        streams.stop()
    assert len(await reading) <= 2
    assert closed == [True]


async def test_streams_of_one_person_are_bounded_and_counted_down():
    streams = Streams(heartbeat_seconds=60)
    opened = []
    for _ in range(30):
        response = streams.response(endless(), who="trainee", still=yes)
        await anext(aiter(response.body_iterator))
        opened.append(response)
    with pytest.raises(TooManyRequestsError):
        streams.response(endless(), who="trainee", still=yes)
    for response in opened:
        await response.body_iterator.aclose()
    streams.response(endless(), who="trainee", still=yes)


async def events(client, url, most, **how):
    """Return the first events of a stream as (event, id, data)."""
    found, current = [], {}
    async with asyncio.timeout(30), client.stream("GET", url, **how) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        async for line in response.aiter_lines():
            if line.startswith((":", "retry")):
                continue
            if line:
                name, _, value = line.partition(": ")
                current[name] = value
            elif current:
                data = json.loads(current["data"])
                found.append((current.get("event"), current.get("id"), data))
                current = {}
                if len(found) == most:
                    return found
    return found


async def test_a_run_is_drawn_live_and_goes_on_after_a_break(portal, served, make):
    import httpx

    portal.kubernetes.put("sandboxes", make.sandbox())
    await portal.settled()
    reporter = portal.sandbox_client("trainee", "lora")
    await reporter.put("/api/v1/runs/run00001", json={})

    async def send(seq):
        point = {"seq": seq, "step": seq, "time": 1.0, "values": {"loss": 1.0}}
        await reporter.post("/api/v1/runs/run00001/points", json={"points": [point]})

    await send(0)
    headers = dict(portal.bearer("trainee").headers)
    async with httpx.AsyncClient(base_url=served, headers=headers) as client:
        watching = asyncio.create_task(events(client, "/api/v1/runs/run00001/events", 2))
        await asyncio.sleep(0.1)
        await send(1)
        found = await watching
        seen = [point["seq"] for _, _, data in found for point in data["points"]]
        assert seen[0] == 0
        if len(seen) < 2:  # both were there before the stream began to look
            assert found[0][2]["run"]["points"] == 2
        await send(2)
        last = found[-1][1]
        again = await events(
            client, "/api/v1/runs/run00001/events", 1, headers={"Last-Event-ID": last}
        )
    assert [point["seq"] for point in again[0][2]["points"]] == [2]
    assert again[0][2]["run"]["points"] == 3


async def test_sandboxes_are_shown_as_they_change_and_go(portal, served, make):
    import httpx

    portal.kubernetes.put("sandboxes", make.sandbox(phase="Starting"))
    portal.kubernetes.put("sandboxes", make.sandbox(owner="trainee-2", phase="Starting"))
    await portal.settled()
    headers = dict(portal.bearer("trainee").headers)
    async with httpx.AsyncClient(base_url=served, headers=headers) as client:
        watching = asyncio.create_task(events(client, "/api/v1/sandboxes/events", 3))
        await portal.until(lambda: portal.container.cluster._subscriptions)
        portal.kubernetes.put("sandboxes", make.sandbox(owner="trainee-2", phase="Running"))
        portal.kubernetes.put("sandboxes", make.sandbox(phase="Running"))
        await portal.until(
            lambda: portal.container.cluster.sandbox("class-a", "trainee--lora").status.url
        )
        await asyncio.sleep(0.1)
        portal.kubernetes.remove("sandboxes", "trainee--lora", "practicum-class-a")
        found = await watching
    assert [(name, data.get("phase")) for name, _, data in found] == [
        ("sandbox", "Starting"),
        ("sandbox", "Running"),
        ("gone", None),
    ]
    assert all("trainee-2" not in json.dumps(data) for _, _, data in found)
