"""A trainee's way from start to delete: by keyboard, live, and without a script."""

import re

import pytest
from playwright.sync_api import expect

LAB = "loss-curves"
CARD = f"#lab-spring-a--{LAB}"


def reach(page, locator, most=80):
    """Press Tab until ``locator`` has the focus, as someone without a mouse does."""
    for _ in range(most):
        if locator.count() and locator.first.evaluate(
            "element => element === document.activeElement"
        ):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{locator} can't be reached with Tab")


def mark(page):
    """Leave something in the page that a reload would wipe out."""
    page.evaluate("window.notReloaded = true")


def assert_not_reloaded(page):
    assert page.evaluate("window.notReloaded === true")


def test_whole_way_by_keyboard(world, visit):
    page = visit(world, "/", "trainee")
    mark(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")

    card = page.locator(CARD)
    reach(page, card.get_by_role("button", name="Start"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("It is starting. You can watch here")).to_be_visible()
    spec = world.stored("trainee", LAB)["spec"]
    assert (spec["desiredState"], spec["language"]) == ("Running", "en")

    world.sandbox("trainee", LAB, "Starting")
    expect(card.get_by_text("Starting JupyterLab")).to_be_visible()
    expect(card.locator("[aria-current=step]")).to_contain_text("Starting JupyterLab")
    assert page.evaluate("document.activeElement.closest('.lab')?.id") == CARD[1:]
    world.sandbox("trainee", LAB, "Running")
    expect(card.get_by_role("link", name="Open JupyterLab")).to_have_attribute(
        "href", re.compile(r"/user/trainee/loss-curves/$")
    )

    reach(page, card.locator("summary", has_text="More"))
    page.keyboard.press("Enter")
    reach(page, card.get_by_role("link", name="Suspend"))
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("all files that JupyterLab shows")).to_be_visible()
    reach(page, dialog.get_by_role("button", name="Suspend"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("It is being suspended.")).to_be_visible()
    expect(dialog).to_be_hidden()
    assert world.stored("trainee", LAB)["spec"]["desiredState"] == "Suspended"

    world.sandbox("trainee", LAB, "Suspended")
    resume = card.get_by_role("button", name="Resume")
    expect(resume).to_be_visible()
    reach(page, resume)
    page.keyboard.press("Enter")
    expect(page.get_by_text("It is starting.")).to_be_visible()
    world.sandbox("trainee", LAB, "Running")
    expect(card.get_by_role("link", name="Open JupyterLab")).to_be_visible()

    reach(page, card.locator("summary", has_text="More"))
    page.keyboard.press("Enter")
    reach(page, card.get_by_role("link", name="Delete"))
    page.keyboard.press("Enter")
    reach(page, dialog.get_by_label("Keep the workspace"))
    page.keyboard.press("ArrowDown")
    expect(dialog.get_by_label("Delete the workspace too")).to_be_checked()
    reach(page, dialog.get_by_role("button", name="Delete"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("It is being deleted with all its files.")).to_be_visible()
    expect(card.get_by_role("button", name="Start")).to_be_visible()
    assert world.stored("trainee", LAB) is None
    assert_not_reloaded(page)
    assert page.complaints == []


def test_escape_closes_menu_and_dialog_and_gives_the_focus_back(world, visit):
    page = visit(world, "/", "trainee")
    summary = page.locator("#lab-spring-a--adapter-tuning summary", has_text="More")
    summary.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(summary).to_be_focused()
    expect(page.locator("#lab-spring-a--adapter-tuning .menu")).not_to_have_attribute("open", "")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Restart").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert world.stored("trainee", "adapter-tuning")["spec"].get("restart", "") == ""


def test_an_open_menu_survives_a_live_update(world, visit):
    page = visit(world, "/", "trainee")
    card = page.locator("#lab-spring-a--continual")
    card.locator("summary", has_text="More").click()
    queue = {"position": 1, "reason": "AcceleratorBusy", "message": ""}
    world.sandbox("trainee", "continual", "Queued", queue=queue)
    expect(card.get_by_text("Next in the queue")).to_be_visible()
    expect(card.get_by_role("link", name="Details and history")).to_be_visible()


@pytest.mark.parametrize(
    ("phase", "fields", "words"),
    [
        ("Queued", {}, ["Number 2 in the queue", "All accelerators of this class are in use."]),
        ("Stalled", {}, ["Needs attention", "The image can't be pulled.", "Tell your instructor"]),
        ("Suspended", {}, ["Suspended", "Nothing ran in it for the lab's idle time."]),
    ],
)
def test_each_state_says_why_and_what_to_do(world, visit, phase, fields, words):
    page = visit(world, "/", "trainee")
    world.sandbox("trainee", LAB, phase, **fields)
    for text in words:
        expect(page.locator(CARD).get_by_text(text).first).to_be_visible()


def test_stalled_sandbox_is_tried_again(world, visit):
    world.sandbox("trainee", LAB, "Stalled")
    page = visit(world, "/", "trainee")
    page.locator(CARD).get_by_role("button", name="Try again").click()
    expect(page.get_by_text("A new start is under way.")).to_be_visible()
    assert world.stored("trainee", LAB)["spec"]["restart"]


def test_extend_moves_the_deadline(world, visit):
    page = visit(world, "/sandboxes/spring-a/trainee--adapter-tuning", "trainee")
    page.get_by_label("State").get_by_role("button", name="Extend").click()
    expect(page.get_by_text("The time is extended.")).to_be_visible()
    stored = world.stored("trainee", "adapter-tuning")
    assert stored["spec"]["deadline"] > stored["status"]["deadline"]


def test_page_of_a_sandbox_is_live_until_it_is_gone(world, visit):
    page = visit(world, "/sandboxes/spring-a/trainee--adapter-tuning", "trainee")
    mark(page)
    world.sandbox("trainee", "adapter-tuning", "Suspended")
    expect(page.locator("#sandbox .badge").first).to_have_text("Suspended")
    world.put("sandboxes", world.stored("trainee", "adapter-tuning"), "DELETED")
    expect(page.get_by_role("heading", name="This sandbox is gone")).to_be_visible()
    assert_not_reloaded(page)


def test_everything_works_without_a_script(world, visit):
    page = visit(world, "/", "trainee", js=False)
    page.locator(CARD).get_by_role("button", name="Start").click()
    expect(page.get_by_text("It is starting.")).to_be_visible()
    world.sandbox("trainee", LAB, "Running")
    page.reload()
    page.locator(CARD).locator("summary").click()
    page.locator(CARD).get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The files of its workspace are kept.")).to_be_visible()
    assert world.stored("trainee", LAB) is None


def test_kubernetes_away_is_said_where_one_looks_and_nothing_is_lost(world, visit):
    page = visit(world, "/", "trainee")
    world.kubernetes.away = True
    page.locator(CARD).get_by_role("button", name="Start").click()
    expect(page.locator("#problems")).to_contain_text("The cluster does not answer at the moment.")
    expect(page.locator(CARD).get_by_role("button", name="Start")).to_be_visible()
    world.kubernetes.away = False
    page.locator(CARD).get_by_role("button", name="Start").click()
    expect(page.get_by_text("It is starting.")).to_be_visible()
    expect(page.locator("#problems")).to_be_empty()


def test_hub_away_is_a_page_that_says_so(world, visit):
    world.hub.away = True
    page = visit(world, "/runs", "trainee-8")
    expect(page.get_by_role("heading", level=1)).to_have_text("JupyterHub is away for the moment")
    world.hub.away = False
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Runs")


def test_refused_form_without_a_script_leads_back_to_its_page(world, visit):
    page = visit(world, "/sandboxes/spring-a/trainee--adapter-tuning", "trainee", js=False)
    world.kubernetes.away = True
    page.get_by_label("State").get_by_role("button", name="Extend").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kubernetes is away for the moment")
    expect(page.get_by_text("Nothing was lost: your files are kept")).to_be_visible()
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("LoRA against full fine-tuning")


def test_expired_session_leads_to_sign_in_and_back(world, chromium, making):
    page = live_tab(world, chromium, making)
    page.context.clear_cookies()
    page.route("**/login?**", lambda route: route.fulfill(body="the sign-in"))
    page.locator(CARD).get_by_role("button", name="Start").click()
    page.wait_for_url("**/login?next=%2F")
    assert world.stored("trainee", LAB) is None
    page.context.close()


def test_language_is_switched_where_one_is_and_remembered(world, visit):
    page = visit(world, "/runs?lab=adapter-tuning", "trainee")
    page.get_by_role("link", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("训练记录")
    assert page.url.endswith("/runs?lab=adapter-tuning")
    page.goto(world.url + "/")
    expect(page.get_by_role("heading", level=1)).to_have_text("我的实验")


def test_a_stream_that_never_began_is_tried_again(world, chromium, making):
    page = making.open_tab(chromium, world, "trainee")
    blocked = [True]
    page.route("**/live/labs", lambda r: r.abort() if blocked else r.continue_())
    page.goto(world.url + "/")
    expect(page.get_by_text("Live updates are interrupted.")).to_be_visible()
    blocked.clear()
    expect(page.locator("#link-state")).to_be_hidden()
    world.sandbox("trainee", LAB, "Running")
    expect(page.locator(CARD).get_by_role("link", name="Open JupyterLab")).to_be_visible()
    page.context.close()


def test_lost_connection_is_said_and_found_again(world, chromium, making):
    page = live_tab(world, chromium, making)
    expect(page.locator("#link-state")).to_be_hidden()
    blocked = [True]
    page.route("**/live/labs", lambda r: r.abort() if blocked else r.continue_())
    world.end_streams()
    expect(page.get_by_text("Live updates are interrupted.")).to_be_visible()
    blocked.clear()
    expect(page.locator("#link-state")).to_be_hidden()
    world.sandbox("trainee", LAB, "Running")
    expect(page.locator(CARD).get_by_role("link", name="Open JupyterLab")).to_be_visible()
    page.context.close()


def live_tab(world, chromium, making):
    """Open a trainee's labs and wait until the page is live."""
    page = making.open_tab(chromium, world, "trainee")
    with page.expect_response("**/live/labs"):
        page.goto(world.url + "/")
    return page
