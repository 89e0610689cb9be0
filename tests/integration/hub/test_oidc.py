"""Sign-in with OpenID Connect, against an issuer in miniature."""

import asyncio
import secrets
import threading
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from aiohttp import web

PEOPLE = {
    "lin": {"preferred_username": "Lin@Example.org", "groups": ["course"]},
    "root": {"preferred_username": "root", "groups": ["course", "staff"]},
    "out": {"preferred_username": "out", "groups": ["elsewhere"]},
}


class Issuer:
    """Signs in whom it is told to, without asking."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.person = "lin"
        self._codes = {}
        self._tokens = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runner = asyncio.run_coroutine_threadsafe(self._serve(port), self._loop).result(30)

    def close(self):
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self, port):
        app = web.Application()
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        app.router.add_get("/userinfo", self._userinfo)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        return runner

    async def _authorize(self, request):
        assert request.query["client_id"] == "practicum"
        assert request.query["code_challenge_method"] == "S256"
        code = secrets.token_hex(8)
        self._codes[code] = self.person
        query = urlencode({"code": code, "state": request.query["state"]})
        raise web.HTTPFound(f"{request.query['redirect_uri']}?{query}")

    async def _token(self, request):
        form = await request.post()
        assert form["code_verifier"]
        token = secrets.token_hex(8)
        self._tokens[token] = self._codes.pop(form["code"])
        return web.json_response({"access_token": token, "token_type": "Bearer"})

    async def _userinfo(self, request):
        token = request.headers["Authorization"].partition(" ")[2]
        return web.json_response({"sub": token, **PEOPLE[self._tokens[token]]})


@pytest.fixture
def issuer(free_port):
    found = Issuer(free_port())
    yield found
    found.close()


@pytest.fixture
def oidc_site(issuer, make_site, tmp_path):
    secret = tmp_path / "client-secret"
    secret.write_text("s3cret")
    site = make_site(
        auth_kind="oidc",
        oidc_client_id="practicum",
        oidc_client_secret_file=str(secret),
        oidc_authorize_url=f"{issuer.url}/authorize",
        oidc_token_url=f"{issuer.url}/token",
        oidc_userdata_url=f"{issuer.url}/userinfo",
        oidc_allowed_groups='["course"]',
        oidc_admin_groups='["staff"]',
    )
    site.start()
    return site


def arrive(site, browser):
    """Open the Hub and follow every redirect but the one to the portal."""
    answer = browser.get(f"{site.public}/hub/login")
    while answer.is_redirect and not answer.headers["Location"].startswith(site.portal):
        answer = browser.get(urljoin(str(answer.url), answer.headers["Location"]))
    return answer


def test_people_of_the_issuer(issuer, oidc_site):
    site = oidc_site
    with site.browser() as browser:
        assert arrive(site, browser).headers["Location"] == f"{site.portal}/"
        leaving = browser.get(f"{site.public}/hub/logout")
        assert leaving.headers["Location"] == f"{site.portal}/"
    found = site.api("GET", "/users/lin@example.org", "portal").json()
    assert (found["admin"], found["groups"]) == (False, ["course"])

    issuer.person = "root"
    with site.browser() as browser:
        arrive(site, browser)
    found = site.api("GET", "/users/root", "portal").json()
    assert (found["admin"], sorted(found["groups"])) == (True, ["course", "staff"])

    issuer.person = "out"
    with site.browser() as browser:
        assert arrive(site, browser).status_code == 403
    assert site.api("GET", "/users/out", "portal").status_code == 404


def test_a_name_with_an_at_sign_gets_its_server(issuer, oidc_site):
    site = oidc_site
    with site.browser() as browser:
        arrive(site, browser)
        sandbox = site.sandbox("lin@example.org")
        sandbox.connect()
        url = sandbox.at_hub()["full_url"]
        assert urlsplit(url).hostname.endswith(".practicum.localhost")
        assert browser.get(url).json()["served_by"] == sandbox.address
