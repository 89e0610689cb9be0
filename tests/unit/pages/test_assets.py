"""Files the pages load: vendored ones unchanged, all of ours addressed by content."""

import hashlib
import json
import re
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount

from practicum_portal.pages.assets import STATIC, Assets, asset_url
from practicum_portal.pages.frames import TEMPLATES

PORTAL = Path(__file__).parents[3] / "portal"


def test_vendored_files_are_those_of_the_locked_packages():
    manifest = json.loads((STATIC / "vendor" / "manifest.json").read_text())
    locked = json.loads((PORTAL / "package-lock.json").read_text())["packages"]
    asked = json.loads((PORTAL / "package.json").read_text())["dependencies"]
    files = {path.name for path in (STATIC / "vendor").iterdir()} - {"manifest.json"}
    assert set(manifest) == files
    assert {entry["package"] for entry in manifest.values()} == set(asked)
    for name, entry in manifest.items():
        content = (STATIC / "vendor" / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"], name
        lock = locked[f"node_modules/{entry['package']}"]
        assert (lock["version"], lock["integrity"]) == (entry["version"], entry["integrity"]), name


def test_no_file_names_a_host_of_others():
    for folder in (STATIC / "css", STATIC / "js", TEMPLATES):
        for path in folder.iterdir():
            for url in re.findall(r"https?://[^\s\"'<)]+", path.read_text()):
                assert url.startswith("http://www.w3.org/"), (path.name, url)


def test_every_icon_that_is_used_is_drawn():
    drawn = set(re.findall(r'symbol id="([a-z]+)"', (STATIC / "icons.svg").read_text()))
    used = set()
    for path in TEMPLATES.iterdir():
        used |= set(re.findall(r'icon\("([a-z]+)"', path.read_text()))
        used |= set(
            re.findall(r'ui\.(?:empty|callout)\((?:"[a-z]+", )?"([a-z]+)",', path.read_text())
        )
    assert used <= drawn


async def test_versioned_files_are_kept_and_others_are_asked_for_again():
    app = Starlette(routes=[Mount("/static", Assets())])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://portal") as client:
        versioned = await client.get(asset_url("css/base.css"))
        assert "immutable" in versioned.headers["cache-control"]
        plain = await client.get("/static/js/page.js")
        assert plain.headers["cache-control"] == "no-cache"
        assert (await client.get("/static/%2e%2e/frames.py")).status_code == 404
