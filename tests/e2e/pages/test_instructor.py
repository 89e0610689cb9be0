"""Instructors and administrators in the browser: live table, roster, usage, cohorts."""

import pytest
from playwright.sync_api import expect


def test_table_puts_trouble_first_and_is_live(world, visit):
    page = visit(world, "/cohorts/spring-a", "instructor")
    page.evaluate("window.notReloaded = true")
    rows = page.locator("#table tbody tr")
    expect(rows.first).to_contain_text("trainee-2")
    world.sandbox("trainee-3", "adapter-tuning", "Stalled")
    expect(page.locator("#counts .tile-bad dd")).to_have_text("2")
    expect(rows.nth(1)).to_contain_text("trainee-3")
    assert page.evaluate("window.notReloaded === true")


def test_table_is_filtered_live_and_by_address(world, visit):
    page = visit(world, "/cohorts/spring-a", "instructor")
    page.get_by_label("State").select_option("In trouble")
    expect(page.locator("#table tbody tr")).to_have_count(1)
    assert "state=trouble" in page.url
    world.sandbox("trainee-6", "adapter-tuning", "Stalled")
    expect(page.locator("#table tbody tr")).to_have_count(2)
    page.reload()
    expect(page.locator("#table tbody tr")).to_have_count(2)


def test_row_leads_to_the_sandbox_with_its_actions(world, visit):
    page = visit(world, "/cohorts/spring-a", "instructor")
    page.get_by_role("link", name="trainee-2").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("LoRA against full fine-tuning")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("A new start is under way.")).to_be_visible()
    assert world.stored("trainee-2", "adapter-tuning")["spec"]["restart"]


def test_roster_is_shown_before_it_is_written(world, visit, tmp_path):
    file = tmp_path / "名单.csv"
    lines = ["user,name,role", "new@example.org,,trainee", "学员十五,学员,trainee", "bad,,wizard"]
    file.write_bytes("\r\n".join(lines).encode("gb18030"))
    page = visit(world, "/cohorts/spring-a/roster", "instructor")
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Check the file").click()
    errors = page.get_by_role("region", name="Errors")
    row = errors.locator("tbody tr")
    expect(row.locator("th")).to_contain_text("4")
    expect(row).to_contain_text("“wizard” is not a role.")
    expect(page.get_by_text("it was read as GBK")).to_be_visible()
    assert "学员十五" not in world.hub.users
    page.get_by_role("button", name="Import without the lines with errors").click()
    expect(page.get_by_text("The roster is imported.")).to_be_visible()
    expect(page.get_by_text("学员十五")).to_be_visible()
    assert {"学员十五", "new@example.org"} <= world.hub.users
    assert "bad" not in world.hub.users


def test_file_that_is_no_text_is_refused_in_plain_words(world, visit, tmp_path):
    file = tmp_path / "roster.csv"
    file.write_bytes("user,name\nm\xfcller,\xe9".encode("latin-1"))
    page = visit(world, "/cohorts/spring-a/roster", "instructor", language="zh")
    page.locator("#file").set_input_files(file)
    page.get_by_role("button", name="检查文件").click()
    expect(page.get_by_text("文件不是 UTF-8 编码：第 2 行无法读取。")).to_be_visible()
    expect(page.get_by_role("button", name="立即导入")).to_have_count(0)


def test_file_is_dropped_on_the_page(world, visit):
    page = visit(world, "/cohorts/spring-a/roster", "instructor")
    data = page.evaluate_handle(
        """() => {
          const transfer = new DataTransfer();
          transfer.items.add(new File(["user\\ndropped\\n"], "roster.csv", {type: "text/csv"}));
          return transfer;
        }"""
    )
    page.locator("[data-drop]").dispatch_event("drop", {"dataTransfer": data})
    page.get_by_role("button", name="Check the file").click()
    page.get_by_role("button", name="Import now").click()
    expect(page.get_by_text("The roster is imported.")).to_be_visible()
    assert "dropped" in world.hub.users


def test_prometheus_away_leaves_the_rest_of_the_page(world, visit):
    world.prometheus.away = True
    page = visit(world, "/cohorts/spring-a/usage", "instructor")
    expect(page.get_by_text("Prometheus gives no figures at the moment")).to_be_visible()
    expect(page.get_by_role("heading", name="Quota")).to_be_visible()


def test_cohort_is_made_and_mistakes_are_said_at_their_fields(world, visit):
    page = visit(world, "/admin/cohorts/new", "admin")
    page.get_by_label("Name", exact=True).fill("Summer!")
    page.get_by_label("Memory").fill("lots")
    page.get_by_role("button", name="Make the cohort").click()
    expect(page.locator("#name-note")).to_contain_text("Use lower-case letters")
    expect(page.locator("#memory-note")).to_contain_text("This is not an amount")
    page.get_by_label("Name", exact=True).fill("summer-b")
    page.get_by_label("Memory").fill("128Gi")
    page.get_by_label("Sandboxes at once").fill("20")
    page.get_by_label("LoRA against full fine-tuning").check()
    page.get_by_label("At once", exact=True).fill("4")
    page.get_by_label("Hours in all").fill("100")
    page.get_by_role("button", name="Make the cohort").click()
    expect(page.get_by_text("The cohort is made.")).to_be_visible()
    spec = world.kubernetes.objects["cohorts", "", "summer-b"]["spec"]
    assert spec["labs"] == ["adapter-tuning"]
    assert spec["quota"]["memory"] == "128Gi"
    assert spec["quota"]["accelerators"] == [{"className": "gpu", "count": 4, "hours": 100}]


def test_name_that_is_taken_is_said_at_its_field(world, visit):
    page = visit(world, "/admin/cohorts/new", "admin")
    page.get_by_label("Name", exact=True).fill("spring-a")
    page.get_by_role("button", name="Make the cohort").click()
    expect(page.locator("#name-note")).to_contain_text("There is a cohort spring-a already.")


@pytest.mark.parametrize("path", ["/cohorts/spring-a", "/cohorts/spring-a/roster", "/admin"])
def test_trainees_see_none_of_it(world, visit, path):
    page = visit(world, path, "trainee")
    expect(page.get_by_role("heading", level=1)).to_have_text("This is not open to you")
    expect(page.get_by_role("link", name="Cohorts")).to_have_count(0)
