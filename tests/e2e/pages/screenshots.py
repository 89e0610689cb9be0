"""Draws the pictures in `docs/images` from the real portal with the furnished world of the tests.

Run `python tests/e2e/pages/screenshots.py`.
"""

import importlib.util
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
IMAGES = HERE.parents[2] / "docs" / "images"
PICTURES = {
    "home": ("/", "trainee", {}),
    "home-zh": ("/", "trainee", {"language": "zh"}),
    "home-phone": ("/", "trainee", {"width": 390, "height": 844}),
    "run": ("/runs/run-live-r16", "trainee", {}),
    "compare": ("/runs/compare?ids=run-lora-r8,run-full-ft", "trainee", {"dark": True}),
    "cohort": ("/cohorts/spring-a", "instructor", {}),
}


def harness():
    """Return the tests' conftest, which is not importable by name."""
    spec = importlib.util.spec_from_file_location("harness", HERE / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    """Draw all pictures."""
    made = harness()
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        world = made.World(folder).start()
        try:
            made.furnish(world)
            world.sandbox("trainee", "continual", "Starting")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=made.CHROMIUM, args=made.FLAGS)
                for name, (path, user, options) in PICTURES.items():
                    page = made.open_tab(browser, world, user, **({"height": 800} | options))
                    page.goto(world.url + path)
                    page.locator(".plot canvas, .lab, #table").first.wait_for()
                    page.evaluate("document.fonts.ready")
                    page.screenshot(path=IMAGES / f"{name}.png")
                    page.context.close()
                browser.close()
        finally:
            world.stop()


if __name__ == "__main__":
    main()
