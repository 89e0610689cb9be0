"""What the portal refuses, whoever asks."""

import pytest

BODY = {"cohort": "class-a", "lab": "lora"}


async def test_a_mutation_needs_the_token_of_the_session(portal):
    trainee = await portal.sign_in("trainee")
    del trainee.headers["X-CSRF-Token"]
    response = await trainee.post("/api/v1/sandboxes", json=BODY)
    assert (response.status_code, response.json()["code"]) == (403, "csrf")
    other = await portal.sign_in("trainee")
    trainee.headers["X-CSRF-Token"] = other.headers["X-CSRF-Token"]
    assert (await trainee.post("/api/v1/sandboxes", json=BODY)).json()["code"] == "csrf"
    assert portal.kubernetes.verbs() == []


async def test_a_form_may_carry_the_token_in_a_field(portal):
    trainee = await portal.sign_in("trainee")
    token = trainee.headers.pop("X-CSRF-Token")
    assert (await trainee.post("/logout", data={"csrf_token": "wrong"})).status_code == 403
    assert (await trainee.post("/logout", data={"csrf_token": token})).status_code == 303


@pytest.mark.parametrize(
    "origin", ["http://trainee.portal.test", "http://evil.test", "null", "http://portal.test:81"]
)
async def test_a_page_of_a_sandbox_can_not_act_for_its_visitor(portal, origin):
    trainee = await portal.sign_in("trainee")
    trainee.headers["Origin"] = origin
    response = await trainee.post("/api/v1/sandboxes", json=BODY)
    assert (response.status_code, response.json()["code"]) == (403, "foreign-origin")
    del trainee.headers["Origin"]
    assert (await trainee.post("/api/v1/sandboxes", json=BODY)).json()["code"] == "foreign-origin"
    same = await trainee.post(
        "/api/v1/sandboxes", json=BODY, headers={"Referer": "http://portal.test/labs"}
    )
    assert same.status_code == 202


async def test_a_bearer_token_needs_neither_and_no_cookie_counts_beside_it(portal):
    program = portal.bearer("trainee")
    assert (await program.post("/api/v1/sandboxes", json=BODY)).status_code == 202
    browser = await portal.sign_in("trainee")
    browser.headers["Authorization"] = "Bearer no-such"
    response = await browser.get("/api/v1/me")
    assert (response.status_code, response.json()["code"]) == (401, "bad-token")


async def test_tokens_that_are_not_for_the_portal_are_refused(portal, make):
    for scope in ("read:users:name", "access:services!service=other", "access:servers"):
        response = await portal.bearer("trainee", scope).get("/api/v1/me")
        assert (response.status_code, response.json()["code"]) == (403, "token-scope"), scope
    portal.hub.tokens["service"] = make.owner(
        "operator", frozenset({"access:services"}), kind="service"
    )
    client = portal.client(headers={"Authorization": "Bearer service"})
    assert (await client.get("/api/v1/me")).status_code == 401


async def test_nobody_gets_anything_without_signing_in(portal):
    schema = portal.app.openapi()
    client = portal.client()
    tried = 0
    for path, operations in schema["paths"].items():
        url = path.format(cohort="class-a", name="class-a", run_id="run00001")
        for method in operations:
            response = await client.request(method, url, json={})
            assert response.status_code == 401, (method, path)
            assert response.headers["content-type"] == "application/problem+json"
            tried += 1
    assert tried > 30


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/me", "/nowhere", "/api/v1/openapi.json"])
async def test_every_answer_has_the_headers(portal, path):
    headers = (await portal.client().get(path)).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


async def test_large_bodies_are_refused_announced_or_not(portal, settings):
    program = portal.bearer("trainee")
    big = b"x" * (settings.max_body_bytes + 1)
    announced = await program.post("/api/v1/sandboxes", content=big)
    assert (announced.status_code, announced.json()["code"]) == (413, "too-large")

    async def pieces():
        for start in range(0, len(big), 65536):
            yield big[start : start + 65536]

    response = await program.post(
        "/api/v1/sandboxes", content=pieces(), headers={"Content-Type": "application/json"}
    )
    assert (response.status_code, response.json()["code"]) == (413, "too-large")
    assert response.json()["hint"]


async def test_what_is_not_there_or_not_json_is_a_problem_too(portal):
    program = portal.bearer("trainee")
    for method, path, status in (
        ("GET", "/api/v1/nowhere", 404),
        ("DELETE", "/api/v1/me", 405),
        ("POST", "/api/v1/sandboxes", 422),
    ):
        response = await program.request(method, path, content=b"{")
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["status"] == status


async def test_secrets_are_in_no_answer_and_no_log(portal, make, caplog):
    caplog.set_level("DEBUG")
    trainee = await portal.sign_in("trainee")
    portal.kubernetes.fail("create", make.refusal(500, "InternalError", "boom"))
    texts = [(await trainee.post("/api/v1/sandboxes", json=BODY)).text]
    portal.hub.away = "ConnectError"
    texts.append((await trainee.get("/api/v1/me")).text)
    program = portal.client(headers={"Authorization": "Bearer hush-hush"})
    texts.append((await program.get("/api/v1/me")).text)
    secret = trainee.cookies["practicum"]
    everything = "\n".join([*texts, caplog.text, *portal.statements])
    for hidden in ("service-token", "hush-hush", "oauth-trainee", secret, "k" * 32):
        assert hidden not in everything


async def test_an_unexpected_error_says_nothing_of_the_inside(portal, caplog):
    def broken(*_):
        raise RuntimeError("password=1234")

    portal.container.services.labs.list_for = broken
    response = await portal.bearer("trainee").get("/api/v1/labs")
    assert (response.status_code, response.json()["code"]) == (500, "internal")
    assert "1234" not in response.text
    assert "password=1234" in caplog.text
    assert "default-src 'self'" in response.headers["content-security-policy"]
    assert response.headers["cache-control"] == "no-store"
    counted = 'method="GET",route="/api/v1/labs",status="500"'
    metrics = portal.container.metrics.expose().decode()
    assert f"practicum_portal_requests_seconds_count{{{counted}}} 1.0" in metrics
