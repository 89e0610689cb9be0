"""A person at a real browser: signs in, starts a lab, works in JupyterLab."""

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright
from playwright.sync_api import Error as BrowserError

from practicum_local import toolchain
from practicum_local.demo import PASSWORD, Addresses

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
STEP_SECONDS = 60
START_SECONDS = 300
QUIET_SECONDS = 5
LOOK_SECONDS = 20


class StuckError(RuntimeError):
    """A page never showed what it should; the message says which, and where its picture is."""


@contextmanager
def chromium(screenshots: Path) -> Iterator[Browser]:
    """A headless Chromium of Debian's; when someone gets stuck, every page is kept as a picture."""
    screenshots.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        program = str(toolchain.find("chromium"))
        try:
            browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        except BrowserError as error:
            raise StuckError(f"{program} did not start: {error}") from error
        try:
            yield browser
        except (BrowserError, AssertionError) as error:
            seen = [_picture(page, screenshots) for ctx in browser.contexts for page in ctx.pages]
            raise StuckError(f"{error}\nWhat was on the screen:\n" + "\n".join(seen)) from error
        except KeyboardInterrupt:
            # It reaches the driver too: what it still had to say is lost, and nobody asks for it.
            logging.getLogger("asyncio").setLevel(logging.CRITICAL)
            raise
        finally:
            with suppress(BrowserError):
                browser.close()


def _picture(page: Page, screenshots: Path) -> str:
    path = screenshots / f"stuck-{urlsplit(page.url).path.strip('/').replace('/', '-')[:40]}.png"
    page.screenshot(path=path)
    return f"{page.url}: {path}"


@dataclass(frozen=True)
class Person:
    """One account in a browser profile of its own."""

    account: str
    context: BrowserContext
    addresses: Addresses
    screenshots: Path

    @classmethod
    def sign_in(
        cls, browser: Browser, account: str, addresses: Addresses, screenshots: Path
    ) -> "Person":
        """Sign in as a person does: from the portal's first page, through the Hub's form."""
        context = browser.new_context(viewport={"width": 1280, "height": 860}, locale="en-US")
        context.set_default_timeout(STEP_SECONDS * 1000)
        person = cls(account, context, addresses, screenshots)
        page = context.new_page()
        page.goto(addresses.portal)
        page.get_by_role("link", name="Sign in").first.click()
        page.get_by_label("Name", exact=True).fill(account)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{addresses.portal}/**")
        return person

    @property
    def page(self) -> Page:
        """The portal's tab."""
        return self.context.pages[0]

    def see(self, name: str, page: Page | None = None) -> None:
        """Keep a screenshot under `name`."""
        (page or self.page).screenshot(path=self.screenshots / f"{name}.png")

    def card(self, cohort: str, lab: str) -> Locator:
        """The card of a lab on the page of one's labs."""
        return self.page.locator(f"#lab-{cohort}--{lab}")

    def start(self, cohort: str, lab: str, tell: Callable[[str], None]) -> None:
        """Press Start or Resume; return when JupyterLab can be opened, telling every step.

        One that starts or runs already, from a walk that was stopped, is as good.
        """
        self.page.goto(self.addresses.portal)
        card = self.card(cohort, lab)
        ready = card.get_by_role("link", name=re.compile("^Open JupyterLab"))
        start = card.get_by_role("button", name=re.compile("^(Start|Resume|Try again)"))
        under_way = card.get_by_role("button", name="Cancel start")
        start.or_(ready).or_(under_way).first.wait_for()
        if start.is_visible():
            start.click()
        told = ""
        for _ in range(START_SECONDS * 2):
            if ready.is_visible():
                return
            step = card.locator(".step-current .step-name, .callout-wait")
            words = step.first.inner_text().split("\n")[0] if step.count() else ""
            if words and words != told:
                tell(words)
                told = words
            self.page.wait_for_timeout(500)
        self.see("start-failed")
        raise BrowserError(f"the sandbox is not ready: {card.inner_text()}")

    def open_lab(self, cohort: str, lab: str) -> Page:
        """Press Open JupyterLab; return its tab when JupyterLab is there."""
        link = self.card(cohort, lab).get_by_role("link", name=re.compile("^Open JupyterLab"))
        with self.context.expect_page() as opened:
            link.click()
        page = opened.value
        page.locator("#jp-main-dock-panel").wait_for()
        return page

    def choose(self, cohort: str, lab: str, action: str) -> None:
        """Choose an action from the card's menu."""
        card = self.card(cohort, lab)
        card.locator("summary").filter(has_text="More").click()
        card.get_by_role("link", name=re.compile(f"^{action}")).click()


@dataclass(frozen=True)
class Jupyter:
    """A JupyterLab tab and the server behind it, with the person's own cookies."""

    page: Page

    @property
    def server(self) -> str:
        """URL of the server: `http://<person>.…/user/<person>/<server>/`."""
        parts = urlsplit(self.page.url)
        prefix = "/".join(parts.path.split("/")[:4])
        return f"{parts.scheme}://{parts.netloc}{prefix}/"

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Call the server's API as its page does, from the page."""
        answer = self.page.evaluate(
            """async ([method, url, body]) => {
              const token = (document.cookie.match(/(?:^|; )_xsrf=([^;]+)/) || [])[1];
              const answer = await fetch(url, {method, credentials: 'same-origin',
                headers: {'Content-Type': 'application/json', 'X-XSRFToken': token || ''},
                body: body === null ? undefined : JSON.stringify(body)});
              const text = await answer.text();
              return [answer.status, text ? JSON.parse(text) : null];
            }""",
            [method, f"{self.server}api/{path}", body],
        )
        status, content = answer
        if not 200 <= status < 300:  # noqa: PLR2004
            raise BrowserError(f"{method} {path}: {status} {content}")
        return content

    def run_notebook(self, name: str, seconds: int, tell: Callable[[str], None]) -> dict[str, Any]:
        """Open a notebook, run all its cells, save; return it when the last cell has run.

        It tells how many have, whenever there are more.
        """
        # A workspace of its own: in the usual one other notebooks may be open, and in front.
        self.page.goto(f"{self.server}lab/workspaces/{uuid4().hex}/tree/{name}")
        self.page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
        deadline = time.monotonic() + seconds
        self._run_all()
        told = 0
        while time.monotonic() < deadline:
            quiet = self._is_quiet(name)
            notebook = self._saved(name)
            cells = len(_code(notebook))
            done = cells - _not_run(notebook)
            if done > told:
                tell(f"{done} of {cells} cells have run")
                told = done
            if not quiet:
                continue
            if errors(notebook) or done == cells:
                return notebook
            if not done:
                self._run_all()  # a busy machine may lose the first click
        raise BrowserError(f"the notebook still runs after {seconds} s")

    def _run_all(self) -> None:
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_text("Run All Cells", exact=True).click()

    def _is_quiet(self, name: str) -> bool:
        """Whether a notebook's kernel comes to rest for longer than between two cells."""
        quiet = 0
        for _ in range(LOOK_SECONDS):
            self.page.wait_for_timeout(1000)
            sessions = self.api("GET", "sessions")
            states = {s["kernel"]["execution_state"] for s in sessions if s["path"] == name}
            quiet = quiet + 1 if states == {"idle"} else 0
            if quiet == QUIET_SECONDS:
                return True
        return False

    def _saved(self, name: str) -> dict[str, Any]:
        self.page.keyboard.press("Control+s")
        self.page.wait_for_timeout(3000)
        notebook: dict[str, Any] = self.api("GET", f"contents/{name}")["content"]
        return notebook


def errors(notebook: dict[str, Any]) -> list[str]:
    """Return what went wrong in the cells of a notebook that was run."""
    outputs = [out for cell in _code(notebook) for out in cell["outputs"]]
    return [f"{out['ename']}: {out['evalue']}" for out in outputs if out["output_type"] == "error"]


def _not_run(notebook: dict[str, Any]) -> int:
    return sum(cell["execution_count"] is None for cell in _code(notebook))


def _code(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code" and cell["source"]]
