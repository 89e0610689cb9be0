"""The Hub's own pages in a real browser: they look right, speak both languages, fail no check."""

import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from practicum_local.browser import ARGUMENTS

PORTAL = Path(__file__).parents[3] / "portal"
AXE = PORTAL / "node_modules" / "axe-core" / "axe.min.js"
RUN_AXE = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations
    .filter((each) => ["serious", "critical"].includes(each.impact))
    .map((each) => each.id + ": " + each.nodes.map((node) => node.html.slice(0, 120)).join(" | "));
}"""
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=list(ARGUMENTS)
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def axe():
    if not AXE.exists():
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=PORTAL, check=True)
    return AXE.read_text()


@pytest.fixture
def visit(site, chromium):
    """Opens a page of the Hub as someone, in a language."""
    contexts = []

    def go(path, person="", *, locale="en-GB", dark=False):
        context = chromium.new_context(
            locale=locale, viewport=PHONE, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        page = context.new_page()
        if person:
            page.goto(f"{site.public}/hub/login?next=%2Fhub%2Fhome")
            page.fill("#username_input", person)
            page.fill("#password_input", site.passwords[person])
            page.press("#password_input", "Enter")
            page.wait_for_url("**/hub/home")
        page.goto(f"{site.public}{path}")
        return page

    yield go
    for context in contexts:
        context.close()


def violations(page, axe):
    page.evaluate(axe)
    return page.evaluate(RUN_AXE)


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize(
    ("locale", "dark", "title"), [("en-GB", False, "Sign in"), ("zh-CN", True, "登录")]
)
def test_the_sign_in_page(visit, axe, locale, dark, title):
    page = visit("/hub/login", locale=locale, dark=dark)
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.locator("#username_input")).to_be_focused()
    assert violations(page, axe) == []
    assert fits(page)


def test_the_home_page(site, visit, axe):
    sandbox = site.sandbox()
    sandbox.connect()
    page = visit("/hub/home", "trainee")
    expect(page.get_by_role("heading", name="Your servers")).to_be_visible()
    expect(page.get_by_role("link", name=sandbox.server, exact=True)).to_be_visible()
    assert violations(page, axe) == []
    assert fits(page)
    page = visit("/hub/home", "trainee", locale="zh-CN")
    expect(page.get_by_role("heading", name="你的服务器")).to_be_visible()
    expect(page.get_by_role("heading", name="Your servers")).to_be_hidden()


def test_a_server_is_suspended_on_the_home_page_and_resumed_in_the_portal(site, visit, wait):
    sandbox = site.sandbox()
    sandbox.connect()
    page = visit("/hub/home", "trainee")
    page.locator(f"#stop-{sandbox.server}").click()
    wait("the wish is written", lambda: sandbox.desired == "Suspended")
    sandbox.status(phase="Suspended", podIp="")
    wait("stopped at the Hub", lambda: not sandbox.at_hub().get("pending"))

    page.reload()
    expect(page.locator(".start-server")).to_have_count(0)
    page.goto(f"{site.public}/hub/spawn/trainee/{sandbox.server}")
    expect(page.locator("body")).to_contain_text("Resume it in the portal")
    assert sandbox.desired == "Suspended"


def test_the_page_of_a_start_goes_on_to_the_server(site, visit):
    sandbox = site.sandbox()
    sandbox.status(
        phase="Starting", stages=[{"stage": "Preparing", "began": "2026-01-01T00:00:00Z"}]
    )
    page = visit(f"/hub/spawn/trainee/{sandbox.server}", "trainee")
    expect(page.get_by_role("heading", name="Your sandbox is starting")).to_be_visible()
    expect(page.locator("#progress-message")).to_contain_text("workspace and the image")
    sandbox.serve()
    page.wait_for_url(re.compile(rf"http://trainee\.practicum\.localhost:\d+{sandbox.prefix}"))
    expect(page.locator("body")).to_contain_text(sandbox.address)


@pytest.mark.parametrize(
    ("locale", "says", "link"),
    [("en-GB", "waits in the queue", "Open the portal"), ("zh-CN", "正在排队", "打开门户")],
)
def test_a_start_that_has_to_wait(site, visit, axe, locale, says, link):
    sandbox = site.sandbox()
    sandbox.status(phase="Queued", queue={"position": 2, "message": "2 / 7"})
    page = visit(f"/hub/spawn/trainee/{sandbox.server}", "trainee", locale=locale)
    message = page.locator("#progress-message")
    expect(message).to_contain_text("2 / 7")
    expect(message.get_by_text(says)).to_be_visible()
    portal = message.get_by_role("link", name=link)
    expect(portal).to_have_attribute("href", f"{site.portal}/")
    assert violations(page, axe) == []
    assert fits(page)


@pytest.mark.parametrize(("locale", "link"), [("en-GB", "Open the portal"), ("zh-CN", "打开门户")])
@pytest.mark.parametrize(
    ("path", "titles"),
    [
        ("/user/trainee/gone/lab", ("Your sandbox is not running", "你的沙箱没有在运行")),
        ("/hub/spawn/trainee", ("This did not work", "操作未能完成")),
    ],
)
def test_an_old_tab_of_what_is_gone_leads_to_the_portal(
    site, visit, axe, locale, link, path, titles
):
    page = visit(path, "trainee", locale=locale)
    title = titles[0] if locale == "en-GB" else titles[1]
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.locator("#start")).to_have_count(0)
    portal = page.locator("a.btn").get_by_text(link)
    expect(portal).to_be_visible()
    assert violations(page, axe) == []
    assert fits(page)
