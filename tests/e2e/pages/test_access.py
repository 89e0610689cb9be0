"""Every page for everyone: axe, a phone's width, both languages, both colour schemes."""

import pytest

SANDBOX = "/sandboxes/spring-a/trainee--adapter-tuning"
PAGES = {
    "landing": ("/", None),
    "home": ("/", "trainee"),
    "home of a stranger": ("/", "trainee-99"),
    "sandbox": (SANDBOX, "trainee"),
    "sandbox for its instructor": (SANDBOX, "instructor"),
    "sandbox for an admin": (SANDBOX, "admin"),
    "confirm": (SANDBOX + "/confirm/delete", "trainee"),
    "runs": ("/runs", "trainee"),
    "runs of a cohort": ("/runs?cohort=spring-a", "instructor"),
    "no runs": ("/runs", "trainee-9"),
    "run that goes on": ("/runs/run-live-r16", "trainee"),
    "run with NaN": ("/runs/run-too-hot", "trainee"),
    "compare": ("/runs/compare?ids=run-lora-r8,run-full-ft,run-too-hot", "trainee"),
    "cohorts": ("/cohorts", "admin"),
    "live table": ("/cohorts/spring-a", "instructor"),
    "live table, nobody": ("/cohorts/spring-a?who=nobody", "instructor"),
    "members": ("/cohorts/spring-a/members", "instructor"),
    "roster": ("/cohorts/spring-a/roster", "instructor"),
    "cohort usage": ("/cohorts/spring-a/usage", "instructor"),
    "accelerators": ("/admin", "admin"),
    "admin cohorts": ("/admin/cohorts", "admin"),
    "new cohort": ("/admin/cohorts/new", "admin"),
    "usage": ("/admin/usage", "admin"),
    "help": ("/help", "trainee"),
    "not there": ("/nowhere", "trainee"),
    "not allowed": ("/admin", "trainee"),
}
LOOKS = [("en", False), ("zh", True)]
RUN_AXE = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations
    .filter((each) => ["serious", "critical"].includes(each.impact))
    .map((each) => each.id + ": " + each.nodes.map((node) => node.html.slice(0, 160)).join(" | "));
}"""


def complaints(page):
    """Return what the console said, without the status of an error page itself."""
    return [text for text in page.complaints if "the server responded with a status" not in text]


def violations(page, axe):
    page.evaluate(axe)
    return page.evaluate(RUN_AXE)


@pytest.mark.parametrize("name", PAGES)
def test_page_is_accessible_and_fits_a_phone(name, shared, visit, axe):
    path, user = PAGES[name]
    for language, dark in LOOKS:
        page = visit(shared, path, user, language=language, dark=dark)
        page.wait_for_load_state("load")
        assert violations(page, axe) == [], f"{name} in {language}"
        assert complaints(page) == []
        assert page.locator("html").get_attribute("lang") == {"en": "en", "zh": "zh-CN"}[language]
        assert page.locator("h1").count() == 1
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, f"{name} in {language}"


def test_light_chinese_and_dark_english_are_accessible_too(shared, visit, axe):
    for path, user in (PAGES["home"], PAGES["live table"], PAGES["run with NaN"]):
        for language, dark in (("zh", False), ("en", True)):
            page = visit(shared, path, user, language=language, dark=dark)
            assert violations(page, axe) == []


def test_open_menu_and_dialog_are_accessible(shared, visit, axe):
    for dark in (False, True):
        page = visit(shared, "/", "trainee", dark=dark)
        card = page.locator("#lab-spring-a--adapter-tuning")
        card.get_by_text("More").click()
        assert violations(page, axe) == []
        card.get_by_role("link", name="Delete").click()
        page.get_by_role("dialog").get_by_role("heading", name="Delete this sandbox?").wait_for()
        assert violations(page, axe) == []


def test_menus_and_tables_of_a_run_are_accessible(shared, visit, axe):
    page = visit(shared, "/runs/run-too-hot", "trainee")
    page.get_by_text("Numbers of loss").click()
    assert page.get_by_role("region", name="loss of LoRA, lr 0.02").get_by_text("NaN").count() == 19
    assert violations(page, axe) == []
