"""Runs in the browser: live curves, tools, and runs side by side."""

import re

from playwright.sync_api import expect


def test_points_arrive_without_a_reload(world, visit, making):
    page = visit(world, "/runs/run-live-r16", "trainee")
    page.evaluate("window.notReloaded = true")
    latest = page.locator("[data-metric=loss] output")
    before = latest.inner_text()
    world.append("trainee", "adapter-tuning", "run-live-r16", making.points(95, 0.1, 1.1, first=70))
    expect(latest).not_to_have_text(before)
    expect(page.locator("[data-points]")).to_have_text("95")
    expect(page.locator("[data-figure=loss]")).to_have_text(latest.inner_text())
    assert page.evaluate("window.notReloaded === true")
    assert page.complaints == []


def test_a_nan_is_marked_and_explained(world, visit, making):
    page = visit(world, "/runs/run-live-r16", "trainee")
    fresh = making.points(75, 0.3, 1.1, first=70, nan=(73, 74))
    world.append("trainee", "adapter-tuning", "run-live-r16", fresh)
    expect(page.locator("[data-metric=loss] output")).to_have_text("NaN")
    page.reload()
    expect(page.get_by_text("Some values were not numbers (NaN or infinite)")).to_be_visible()


def test_tools_redraw_the_curves(world, visit):
    page = visit(world, "/runs/run-lora-r8", "trainee")
    canvas = page.locator("[data-metric=loss] canvas")
    plain = canvas.evaluate("each => each.toDataURL()")
    page.get_by_label("Smoothing").fill("0.9")
    smooth = canvas.evaluate("each => each.toDataURL()")
    page.get_by_label("Logarithmic scale").check()
    logarithmic = canvas.evaluate("each => each.toDataURL()")
    assert len({plain, smooth, logarithmic}) == 3


def test_runs_are_chosen_and_compared(world, visit):
    page = visit(world, "/runs", "trainee")
    page.get_by_label("Compare LoRA, rank 8").check()
    page.get_by_label("Compare Full fine-tuning").check()
    page.get_by_role("button", name="Compare chosen runs").click()
    row = page.get_by_role("region", name="What differs").get_by_role(
        "row", name=re.compile(r"^lr ")
    )
    expect(row).to_contain_text("0.0002")
    expect(row).to_contain_text("2e-05")
    expect(page.locator("[data-metric=loss] canvas")).to_be_visible()


def test_curves_are_there_without_a_script(world, visit):
    page = visit(world, "/runs/run-lora-r8", "trainee", js=False)
    assert page.locator("[data-metric=loss] svg polyline").get_attribute("points")


def test_the_first_points_of_a_run_appear_by_themselves(world, visit, making):
    world.report("trainee", "adapter-tuning", "run-no-points", "Just begun", [], {})
    page = visit(world, "/runs/run-no-points", "trainee")
    expect(page.get_by_text("No points yet")).to_be_visible()
    world.append("trainee", "adapter-tuning", "run-no-points", making.points(5, 0.1, 1.1))
    expect(page.locator("[data-metric=loss] canvas")).to_be_visible()
    assert page.complaints == []


def test_a_stream_that_is_refused_is_tried_again_until_nobody_is_signed_in(world, visit, making):
    page = visit(world, "/runs", "trainee")
    page.route("**/events?*", lambda route: route.fulfill(status=503))
    page.goto(f"{world.url}/runs/run-live-r16")
    said = page.locator("#link-state")
    expect(said).to_contain_text("interrupted")
    page.unroute("**/events?*")
    expect(said).to_be_hidden()
    world.append("trainee", "adapter-tuning", "run-live-r16", making.points(95, 0.1, 1.1, first=70))
    expect(page.locator("[data-points]")).to_have_text("95")

    page.route("**/events?*", lambda route: route.fulfill(status=503))
    page.reload()
    expect(said).to_contain_text("interrupted")
    page.context.clear_cookies()
    page.unroute("**/events?*")
    expect(said).to_contain_text("Your sign-in has ended")
