"""The demo's sign-in, the way to the portal and back, and the portal's own sign-in by OAuth."""

import base64
import hashlib
import secrets
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest


def test_a_sign_in_leads_to_the_portal(site):
    with site.browser() as browser:
        answer = site.sign_in(browser, "trainee")
        assert answer.status_code == 302
        assert answer.headers["Location"] == f"{site.portal}/"
        where = f"{site.public}/"
        while where.startswith((site.public, "/")):
            where = browser.get(urljoin(site.public, where)).headers["Location"]
        assert where == f"{site.portal}/"


def test_a_sign_out_ends_at_the_portal(site):
    with site.browser() as browser:
        site.sign_in(browser, "trainee")
        answer = browser.get(f"{site.public}/hub/logout")
        assert answer.headers["Location"] == f"{site.portal}/"
        assert "/hub/login" in browser.get(f"{site.public}/hub/home").headers["Location"]


@pytest.mark.parametrize(
    ("accepts", "language", "says"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN", "这是演示登录"),
        ("de,en;q=0.5", "en", "This is the demo sign-in"),
        ("", "en", "This is the demo sign-in"),
    ],
)
def test_the_sign_in_page_speaks_the_browsers_language(site, accepts, language, says):
    page = site.client.get(f"{site.public}/hub/login", headers={"Accept-Language": accepts}).text
    assert f'<html lang="{language}">' in page
    assert says in page


@pytest.mark.parametrize("name", ["trainee", "nobody", ""])
def test_a_wrong_password_is_said_and_nothing_else(site, name):
    with site.browser() as browser:
        browser.get(f"{site.public}/hub/login")
        fields = {
            "username": name,
            "password": "wrong",
            "_xsrf": browser.cookies.get("_xsrf", path="/hub/"),
        }
        answer = browser.post(f"{site.public}/hub/login", data=fields)
        assert answer.status_code == 403
        assert "do not match" in answer.text
        assert 'role="alert"' in answer.text
        assert "wrong" not in answer.text


def test_a_form_from_elsewhere_is_refused(site):
    with site.browser() as browser:
        fields = {"username": "trainee", "password": site.passwords["trainee"]}
        assert browser.post(f"{site.public}/hub/login", data=fields).status_code == 403


def test_groups_and_the_admin_flag_come_from_the_account(site):
    for person in ("admin", "instructor"):
        with site.browser() as browser:
            assert site.sign_in(browser, person).status_code == 302
    assert site.api("GET", "/users/admin", "portal").json()["admin"] is True
    found = site.api("GET", "/users/instructor", "portal").json()
    assert found["groups"] == ["instructors"]
    assert found["admin"] is False


def test_cookies_are_kept_from_scripts_and_other_sites(site):
    with site.browser() as browser:
        answer = site.sign_in(browser, "trainee")
        login = [
            cookie
            for cookie in answer.headers.get_list("Set-Cookie")
            if cookie.startswith("jupyterhub-hub-login")
        ]
        assert login
        assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in login)
        assert not any("Domain=" in cookie for cookie in login)


def test_the_home_page_leads_to_the_portal(site):
    own = site.sandbox()
    own.connect()
    with site.browser() as browser:
        site.sign_in(browser, "trainee")
        page = browser.get(f"{site.public}/hub/home")
        assert page.status_code == 200
        assert f'href="{site.portal}/"' in page.text
        assert f'id="stop-{own.server}"' in page.text
        assert "Start My Server" not in page.text


def test_a_queued_start_from_the_page_says_why_and_where_to_go(site, wait):
    sandbox = site.sandbox()
    sandbox.status(phase="Queued", queue={"position": 2, "message": "2nd in line."})
    with site.browser() as browser:
        site.sign_in(browser, "trainee")
        spawn = f"{site.public}/hub/spawn/trainee/{sandbox.server}"
        browser.get(spawn)
        wait("the start has ended", lambda: not sandbox.at_hub().get("pending"))
        page = browser.get(f"{site.public}/hub/spawn-pending/trainee/{sandbox.server}")
        assert "2nd in line." in page.text
        assert f'href="{site.portal}/"' in page.text


class Portal:
    """The portal's part of its sign-in."""

    def __init__(self, site):
        self.site = site
        self.redirect = f"{site.portal}/oauth/callback"
        self.verifier = secrets.token_urlsafe(32)
        self.state = secrets.token_urlsafe(16)

    def authorize_url(self, **changes):
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "client_id": "service-portal",
            "redirect_uri": self.redirect,
            "response_type": "code",
            "state": self.state,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        } | changes
        return "/hub/api/oauth2/authorize", {k: v for k, v in query.items() if v is not None}

    def code(self, browser, **changes):
        path, query = self.authorize_url(**changes)
        answer = browser.get(f"{self.site.public}{path}", params=query)
        return answer, parse_qs(urlsplit(answer.headers.get("Location", "")).query)

    def exchange(self, code, **changes):
        form = {
            "client_id": "service-portal",
            "client_secret": self.site.secrets["portal"],
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect,
            "code_verifier": self.verifier,
        } | changes
        form = {name: value for name, value in form.items() if value is not None}
        return self.site.request("POST", "/hub/api/oauth2/token", data=form)


def test_the_portal_signs_people_in_with_pkce_and_without_a_question(site):
    portal = Portal(site)
    with site.browser() as browser:
        site.sign_in(browser, "trainee")
        answer, found = portal.code(browser)
        assert answer.headers["Location"].startswith(portal.redirect)
        assert found["state"] == [portal.state]
        token = portal.exchange(found["code"][0]).json()["access_token"]
    who = site.request("GET", "/hub/api/user", token=token).json()
    assert who["name"] == "trainee"
    assert "access:services!service=portal" in who["scopes"]
    assert not [scope for scope in who["scopes"] if "servers" in scope or "tokens" in scope]


def test_a_sign_in_without_pkce_or_with_another_verifier_fails(site):
    portal = Portal(site)
    with site.browser() as browser:
        site.sign_in(browser, "trainee")
        _, none = portal.code(browser, code_challenge=None, code_challenge_method=None)
        assert "code" not in none
        _, found = portal.code(browser)
        assert portal.exchange(found["code"][0], code_verifier="x" * 43).status_code == 400
        _, found = portal.code(browser)
        assert portal.exchange(found["code"][0], code_verifier=None).status_code == 400


def test_codes_go_to_the_portal_only(site):
    portal = Portal(site)
    with site.browser() as browser:
        site.sign_in(browser, "trainee")
        answer, found = portal.code(browser, redirect_uri="http://evil.example/oauth/callback")
        assert "code" not in found
        assert answer.status_code in {400, 403}


def test_a_sign_in_does_not_lead_elsewhere(site):
    with site.browser() as browser:
        answer = site.sign_in(browser, "trainee", following="//evil.example/")
        assert "evil.example" not in answer.headers["Location"]
