import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from practicum_local import toolchain
from practicum_local.paths import CHECKOUT, Paths

CHART = CHECKOUT / "charts/practicum"
RULES = CHART / "rules/practicum.rules.yml"
CASES = Path(__file__).with_name("practicum.rules.test.yml")


@pytest.fixture(scope="session")
def promtool() -> Path:
    paths = Paths.from_environment()
    toolchain.install(["metrics"], paths)
    return toolchain.unpacked(paths) / "usr/bin/promtool"


def test_the_rules_say_what_they_should(promtool: Path, tmp_path: Path) -> None:
    for path in (RULES, CASES):
        shutil.copy(path, tmp_path)
    tested = subprocess.run(
        [promtool, "test", "rules", CASES.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_every_alert_is_tested() -> None:
    rules = [
        rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    ]
    cases = CASES.read_text()
    for alert in (rule["alert"] for rule in rules if "alert" in rule):
        assert alert in cases, alert


def test_the_dashboard_asks_what_prometheus_understands(promtool: Path, tmp_path: Path) -> None:
    dashboard = json.loads((CHART / "dashboards/practicum.json").read_text())
    queries = [
        target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])
    ]
    rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(queries)]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    checked = subprocess.run(
        [promtool, "check", "rules", path], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_dashboard_and_rules_name_only_metrics_that_exist() -> None:
    code = "".join(
        path.read_text()
        for folder in ("operator/practicum_operator", "portal/practicum_portal")
        for path in (CHECKOUT / folder).rglob("*.py")
    )
    asked = set(re.findall(r"\bpracticum_\w+", (CHART / "dashboards/practicum.json").read_text()))
    asked |= set(re.findall(r"\bpracticum_\w+", RULES.read_text()))
    for name in asked:
        family = re.sub(r"_(bucket|sum|count|total)$", "", name)
        assert family in code, name
