"""Signing in and out: the flow, what a forged one gets, and how long rights last."""

import httpx
import pytest

from practicum_portal.hub import HubUser, TokenOwner
from practicum_portal.signin import local_path

HTML = {"Accept": "text/html"}


async def begin(client, path="/runs?lab=lora"):
    response = await client.get("/login", params={"next": path})
    assert response.status_code == 303
    return httpx.URL(response.headers["location"]), response


async def test_the_whole_flow_ends_where_the_person_was(portal):
    portal.account("trainee")
    client = portal.client()
    at_hub, response = await begin(client)
    assert (at_hub.host, at_hub.path) == ("hub.test", "/hub/api/oauth2/authorize")
    query = dict(at_hub.params)
    assert query["code_challenge_method"] == "S256"
    assert query["redirect_uri"] == "http://portal.test/oauth/callback"
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert query["state"] not in cookie

    portal.hub.codes["abc"] = ("trainee", "oauth-token")
    portal.hub.tokens["oauth-token"] = TokenOwner("trainee", frozenset())
    back = await client.get(f"/oauth/callback?code=abc&state={query['state']}")

    assert (back.status_code, back.headers["location"]) == (303, "/runs?lab=lora")
    session = next(c for c in back.headers.get_list("set-cookie") if c.startswith("practicum="))
    assert "HttpOnly" in session
    assert "SameSite=lax" in session
    assert "oauth-token" not in session
    assert (await client.get("/api/v1/me")).json()["name"] == "trainee"


async def test_the_verifier_belongs_to_the_challenge(portal):
    import base64
    import hashlib

    portal.account("trainee")
    client = portal.client()
    at_hub, _ = await begin(client)
    portal.hub.codes["abc"] = ("trainee", "t")
    portal.hub.tokens["t"] = TokenOwner("trainee", frozenset())
    await client.get(f"/oauth/callback?code=abc&state={at_hub.params['state']}")
    digest = hashlib.sha256(portal.hub.verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert challenge == at_hub.params["code_challenge"]


async def test_a_callback_that_this_browser_did_not_begin_is_refused(portal):
    portal.account("trainee")
    at_hub, _ = await begin(portal.client())
    portal.hub.codes["abc"] = ("trainee", "t")
    victim = portal.client()
    response = await victim.get(f"/oauth/callback?code=abc&state={at_hub.params['state']}")
    assert (response.status_code, response.json()["code"]) == (400, "sign-in-stale")
    assert "abc" in portal.hub.codes
    assert not victim.cookies


async def test_a_state_of_another_sign_in_is_refused(portal):
    client = portal.client()
    await begin(client)
    response = await client.get("/oauth/callback?code=abc&state=other")
    assert response.status_code == 400


async def test_a_code_that_the_hub_refuses_opens_no_session(portal):
    client = portal.client()
    at_hub, _ = await begin(client)
    response = await client.get(f"/oauth/callback?code=used&state={at_hub.params['state']}")
    assert response.status_code == 400
    assert "practicum" not in client.cookies


async def test_two_tabs_can_sign_in_at_once(portal):
    portal.account("trainee")
    client = portal.client()
    places = []
    flows = [await begin(client, path) for path in ("/one", "/two")]
    for number, (at_hub, _) in enumerate(flows):
        portal.hub.codes[f"c{number}"] = ("trainee", "t")
        portal.hub.tokens["t"] = TokenOwner("trainee", frozenset())
        url = f"/oauth/callback?code=c{number}&state={at_hub.params['state']}"
        places.append((await client.get(url)).headers["location"])
    assert places == ["/one", "/two"]


async def test_a_refusal_at_the_hub_is_told(portal):
    response = await portal.client().get("/oauth/callback?error=access_denied&state=x")
    assert (response.status_code, response.json()["code"]) == (403, "sign-in-refused")


async def test_a_name_that_is_too_long_to_keep_is_told(portal):
    client = portal.client()
    at_hub, _ = await begin(client)
    portal.hub.codes["abc"] = ("trainee", "t")
    portal.hub.tokens["t"] = TokenOwner("t" * 121, frozenset())
    response = await client.get(f"/oauth/callback?code=abc&state={at_hub.params['state']}")
    assert (response.status_code, response.json()["code"]) == (403, "user-name-too-long")
    assert "practicum" not in client.cookies


async def test_a_hub_that_is_away_is_a_503(portal):
    client = portal.client()
    at_hub, _ = await begin(client)
    portal.hub.away = "ConnectError"
    response = await client.get(f"/oauth/callback?code=abc&state={at_hub.params['state']}")
    assert (response.status_code, response.json()["code"]) == (503, "hub-away")


@pytest.mark.parametrize(
    ("wanted", "gone_to"),
    [
        ("/runs?x=1", "/runs?x=1"),
        ("https://evil.test/", "/"),
        ("//evil.test/", "/"),
        ("/\\evil.test", "/"),
        ("/\t/evil.test", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_no_open_redirect(wanted, gone_to):
    assert local_path(wanted) == gone_to


async def test_an_expired_session_signs_in_and_comes_back(portal):
    client = await portal.sign_in("trainee")
    portal.clock.forward(hours=13)
    api = await client.get("/api/v1/me", headers=HTML)
    assert (api.status_code, api.json()["code"]) == (401, "session-over")
    assert api.headers["www-authenticate"] == "Bearer"
    posted = await client.post("/logout", headers={**HTML, "Referer": "http://portal.test/runs"})
    assert (posted.status_code, posted.headers["location"]) == (303, "/login?next=%2Fruns")
    live = await client.post(
        "/logout", headers={"HX-Request": "true", "HX-Current-URL": "http://portal.test/labs?a=b"}
    )
    assert live.status_code == 401
    assert live.headers["hx-redirect"] == "/login?next=%2Flabs%3Fa%3Db"


async def test_logout_ends_the_session_here_and_goes_on_to_the_hub(portal):
    client = await portal.sign_in("trainee")
    secret = client.cookies["practicum"]
    response = await client.post("/logout")
    assert response.headers["location"] == "http://hub.test/hub/logout"
    assert "practicum" not in client.cookies
    client.cookies.set("practicum", secret, domain="portal.test")
    assert (await client.get("/api/v1/me")).status_code == 401


async def test_rights_taken_away_at_the_hub_are_gone_at_once(portal):
    client = await portal.sign_in("admin", admin=True)
    assert (await client.get("/api/v1/audit")).status_code == 200
    portal.hub.users["admin"] = HubUser("admin")
    assert (await client.get("/api/v1/audit")).status_code == 403
    del portal.hub.users["admin"]
    gone = await client.get("/api/v1/me")
    assert (gone.status_code, gone.json()["code"]) == (401, "unknown-user")


async def test_a_configured_group_makes_admins(settings, opened):
    async with opened(settings.model_copy(update={"admin_group": "platform"})) as portal:
        person = await portal.sign_in("someone", groups=("platform",))
        assert (await person.get("/api/v1/me")).json()["admin"]


async def test_no_group_makes_nobody_an_admin(portal):
    person = await portal.sign_in("someone", groups=("",))
    assert not (await person.get("/api/v1/me")).json()["admin"]


async def test_what_the_hub_said_holds_while_it_is_away_and_no_longer(settings, opened):
    patient = settings.model_copy(update={"hub_grace_seconds": 3600})
    for chosen, status in ((patient, 200), (settings, 503)):
        async with opened(chosen) as portal:
            client = await portal.sign_in("trainee")
            assert (await client.get("/api/v1/me")).status_code == 200
            portal.hub.away = "ConnectError"
            assert (await client.get("/api/v1/me")).status_code == status


async def test_cookies_are_secure_behind_https(settings, opened):
    secure = settings.model_copy(update={"public_url": "https://portal.test"})
    async with opened(secure) as portal:
        portal.account("trainee")
        client = portal.client()
        client.base_url = httpx.URL("https://portal.test")
        at_hub, begun = await begin(client)
        portal.hub.codes["abc"] = ("trainee", "t")
        portal.hub.tokens["t"] = TokenOwner("trainee", frozenset())
        state = at_hub.params["state"]
        response = await client.get(f"/oauth/callback?code=abc&state={state}")
        session, forgotten = response.headers.get_list("set-cookie")
        for cookie in (begun.headers["set-cookie"], forgotten):
            assert cookie.startswith("__Host-practicum-login-")
            assert "Secure" in cookie
            assert "Path=/;" in cookie
            assert "Domain" not in cookie
        assert session.startswith("__Host-practicum=")
        assert "Secure" in session
        assert "Path=/" in session
        assert "Domain" not in session
        assert "max-age" in response.headers["strict-transport-security"]
