"""Copy what the pages take from npm into `static/vendor`, with licences and a manifest.

Run `python portal/vendor.py` after a change of `portal/package.json`; the result is committed
(docs/decisions/vendored-scripts.md says why). It runs no package's own scripts.
"""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
TARGET = HERE / "practicum_portal" / "static" / "vendor"
FILES = {
    "htmx.org/dist/htmx.esm.min.js": "htmx.esm.min.js",
    "htmx.org/dist/ext/hx-sse.min.js": "hx-sse.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
    "uplot/dist/uPlot.iife.min.js": "uplot.min.js",
    "uplot/dist/uPlot.min.css": "uplot.min.css",
    "uplot/LICENSE": "uplot.LICENSE.txt",
}


def install() -> Path:
    """Install exactly what the lock file names and return `node_modules`."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is not installed: install Node.js 20 or later and run this again")
    subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=HERE, check=True)  # noqa: S603
    return HERE / "node_modules"


def manifest(modules: Path) -> dict[str, dict[str, str]]:
    """Return for each vendored file its package, the tarball's hash in the lock, and its own."""
    locked = json.loads((HERE / "package-lock.json").read_text())["packages"]
    entries = {}
    for source, name in FILES.items():
        package, _, path = source.partition("/")
        lock = locked[f"node_modules/{package}"]
        entries[name] = {
            "package": package,
            "version": lock["version"],
            "path": path,
            "integrity": lock["integrity"],
            "sha256": hashlib.sha256((modules / source).read_bytes()).hexdigest(),
        }
    return entries


def main() -> None:
    """Bring `static/vendor` in line with `package-lock.json`."""
    modules = install()
    TARGET.mkdir(parents=True, exist_ok=True)
    for source, name in FILES.items():
        shutil.copyfile(modules / source, TARGET / name)
    (TARGET / "manifest.json").write_text(json.dumps(manifest(modules), indent=2) + "\n")


if __name__ == "__main__":
    main()
