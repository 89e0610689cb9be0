"""The seams themselves: what JupyterHub, Prometheus and the API server may answer."""

import asyncio
import json

import httpx
import pytest
from aiohttp import web

from practicum_portal.hub import HubApi, HubAwayError, HubRefusedError
from practicum_portal.kubernetes import KubernetesApi, KubernetesAwayError, KubernetesError
from practicum_portal.prometheus import NoPrometheus, PrometheusApi, PrometheusAwayError


def hub(answer):
    transport = httpx.MockTransport(answer)
    client = httpx.AsyncClient(base_url="http://hub/hub/api", transport=transport)
    return HubApi(client, client_id="service-portal", token="service-token")


def says(status, body=None, **how):
    return lambda _: httpx.Response(status, json=body, **how)


async def test_a_token_is_known_or_not():
    model = {"kind": "user", "name": "trainee", "scopes": ["access:services!service=portal"]}
    owner = await hub(says(200, model)).token_owner("t")
    assert (owner.name, owner.scopes) == ("trainee", frozenset(model["scopes"]))
    for status in (401, 403):
        assert await hub(says(status, {"message": "no"})).token_owner("t") is None


async def test_a_user_is_asked_for_with_the_portals_own_token_and_an_escaped_name():
    seen = []

    def answer(request):
        seen.append((request.url.raw_path, request.headers["authorization"]))
        return httpx.Response(200, json={"name": "a/b@c", "admin": True, "groups": ["g"]})

    user = await hub(answer).user("a/b@李")
    assert (user.admin, user.groups) == (True, frozenset({"g"}))
    assert seen == [(b"/hub/api/users/a%2Fb%40%E6%9D%8E", "token service-token")]
    assert await hub(says(404)).user("nobody") is None


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_hub_in_trouble_is_away(status):
    for ask in (
        lambda api: api.user("x"),
        lambda api: api.token_owner("x"),
        lambda api: api.create_users(["x"]),
        lambda api: api.token_for_code("c", verifier="v", redirect_uri="r"),
    ):
        with pytest.raises(HubAwayError):
            await ask(hub(says(status)))


async def test_timeouts_and_nonsense_are_away_too():
    def late(request):
        raise httpx.ReadTimeout("late", request=request)

    for answer in (late, lambda _: httpx.Response(200, text="<html>"), says(403, {})):
        with pytest.raises(HubAwayError):
            await hub(answer).user("x")


async def test_accounts_are_made_by_the_hundred_and_those_there_are_no_error():
    bodies = []

    def answer(request):
        names = json.loads(request.content)["usernames"]
        bodies.append(len(names))
        if len(bodies) == 2:
            return httpx.Response(409, json={"message": "all exist"})
        return httpx.Response(201, json=[{"name": name} for name in names[1:]])

    made = await hub(answer).create_users([f"u{number}" for number in range(250)])
    assert bodies == [100, 100, 50]
    assert len(made) == 99 + 49


async def test_a_name_that_the_hub_refuses_is_told_in_its_words():
    answer = says(400, {"message": "Invalid username: a b"})
    with pytest.raises(HubRefusedError, match="Invalid username: a b"):
        await hub(answer).create_users(["a b"])


async def test_a_code_is_exchanged_with_its_verifier():
    seen = []

    def answer(request):
        seen.append(dict(httpx.QueryParams(request.content.decode())))
        return httpx.Response(200, json={"access_token": "at"})

    token = await hub(answer).token_for_code("c", verifier="v", redirect_uri="http://p/cb")
    assert token == "at"
    assert seen[0]["code_verifier"] == "v"
    assert seen[0]["client_secret"] == "service-token"
    with pytest.raises(HubRefusedError):
        await hub(says(400, {})).token_for_code("c", verifier="v", redirect_uri="r")


def prometheus(answer):
    transport = httpx.MockTransport(answer)
    return PrometheusApi(httpx.AsyncClient(base_url="http://prometheus", transport=transport))


async def test_samples_that_are_no_numbers_are_left_out():
    result = [
        {"metric": {"cohort": "a"}, "value": [1, "2.5"]},
        {"metric": {"cohort": "b"}, "value": [1, "NaN"]},
    ]
    body = {"status": "success", "data": {"resultType": "vector", "result": result}}
    (sample,) = await prometheus(says(200, body)).query("up")
    assert (sample.labels, sample.value) == ({"cohort": "a"}, 2.5)


async def test_a_prometheus_that_does_not_answer_says_why():
    def refused(request):
        raise httpx.ConnectError("no", request=request)

    for api in (
        prometheus(refused),
        prometheus(says(400, {"status": "error"})),
        prometheus(lambda _: httpx.Response(502, text="bad gateway")),
        NoPrometheus(),
    ):
        with pytest.raises(PrometheusAwayError, match=r"\w+"):
            await api.query("up")


@pytest.fixture
async def api_server():
    """A server that answers as told: `answers[(method, path)] = handler`."""
    answers = {}

    async def handle(request):
        return await answers[request.method, request.path](request)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    from kubernetes.aio import client

    configuration = client.Configuration()
    configuration.host = f"http://127.0.0.1:{runner.addresses[0][1]}"
    configuration.api_key["BearerToken"] = "bearer sa-token"
    api = KubernetesApi(client.ApiClient(configuration), seconds=0.5)
    yield api, answers
    await api.close()
    await runner.cleanup()


BASE = "/apis/practicum.dev/v1alpha1"


async def test_lists_are_read_page_by_page(api_server):
    api, answers = api_server
    queries = []

    async def pages(request):
        queries.append(dict(request.query))
        last = "continue" in request.query
        meta = {"resourceVersion": "7"} if last else {"resourceVersion": "7", "continue": "c"}
        return web.json_response({"metadata": meta, "items": [{"n": len(queries)}]})

    answers["GET", f"{BASE}/labs"] = pages
    assert await api.list("labs") == ([{"n": 1}, {"n": 2}], "7")
    assert queries == [{"limit": "500"}, {"limit": "500", "continue": "c"}]


async def test_writes_carry_our_name_and_the_accounts_token(api_server):
    api, answers = api_server
    seen = []

    async def note(request):
        kind = request.headers.get("Content-Type", "")
        seen.append((request.query.get("fieldManager"), kind, await request.json()))
        assert request.headers["Authorization"] == "bearer sa-token"
        return web.json_response({"metadata": {"name": "x"}})

    place = f"{BASE}/namespaces/practicum-a/sandboxes"
    answers["POST", place] = answers["PATCH", f"{place}/x"] = note
    answers["DELETE", f"{place}/x"] = note
    await api.create("sandboxes", {"spec": {}}, "practicum-a")
    await api.patch("sandboxes", "x", {"spec": {"deadline": None}}, "practicum-a")
    await api.delete("sandboxes", "x", "practicum-a", uid="u")
    assert seen == [
        ("practicum-portal", "application/json", {"spec": {}}),
        ("practicum-portal", "application/merge-patch+json", {"spec": {"deadline": None}}),
        (None, "application/json", {"preconditions": {"uid": "u"}}),
    ]


@pytest.mark.parametrize("status", [401, 403, 404, 409, 422, 429, 500])
async def test_refusals_keep_status_reason_and_causes(api_server, status):
    api, answers = api_server

    async def refuse(_):
        body = {
            "kind": "Status",
            "reason": "Because",
            "message": "so it is",
            "details": {"causes": [{"field": "spec.owner", "message": "too long"}]},
        }
        return web.json_response(body, status=status, headers={"Retry-After": "3"})

    answers["GET", f"{BASE}/labs/x"] = refuse
    with pytest.raises(KubernetesError) as caught:
        await api.get("labs", "x")
    error = caught.value
    assert (error.status, error.reason, error.message) == (status, "Because", "so it is")
    assert error.causes[0]["field"] == "spec.owner"
    assert error.retry_after == 3


async def test_silence_and_broken_lines_are_away(api_server):
    api, answers = api_server

    async def sleep(_):
        await asyncio.sleep(30)

    async def html(_):
        return web.Response(text="<html>", status=502)

    answers["GET", f"{BASE}/labs/slow"] = sleep
    answers["GET", f"{BASE}/labs/odd"] = html
    with pytest.raises(KubernetesAwayError):
        await api.get("labs", "slow")
    with pytest.raises(KubernetesError, match="502"):
        await api.get("labs", "odd")


async def test_a_watch_yields_events_and_raises_what_the_server_says(api_server):
    api, answers = api_server

    async def stream(request):
        assert request.query["allowWatchBookmarks"] == "true"
        assert request.query["resourceVersion"] == "5"
        response = web.StreamResponse()
        await response.prepare(request)
        for event in (
            {"type": "ADDED", "object": {"n": 1}},
            {"type": "ERROR", "object": {"code": 410, "reason": "Expired", "message": "old"}},
        ):
            await response.write(json.dumps(event).encode() + b"\n")
        return response

    answers["GET", f"{BASE}/labs"] = stream
    events = []
    with pytest.raises(KubernetesError) as caught:
        events.extend([event async for event in api.watch("labs", "5")])
    assert caught.value.status == 410


async def test_a_watch_that_breaks_off_in_the_middle_is_away(api_server):
    api, answers = api_server

    async def stream(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"type": "ADDED", "object"')
        request.transport.abort()
        return response

    answers["GET", f"{BASE}/labs"] = stream
    with pytest.raises(KubernetesAwayError):
        async for _ in api.watch("labs", "5"):
            pass
