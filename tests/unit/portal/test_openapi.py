"""The description of the API is complete, and stays what clients were made from."""

import json
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def schema():
    command = [sys.executable, "-m", "practicum_portal", "openapi"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def operations(schema):
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def test_every_operation_is_named_described_and_has_its_errors(schema):
    seen = set()
    for method, path, operation in operations(schema):
        assert operation["operationId"] not in seen
        seen.add(operation["operationId"])
        assert operation["summary"]
        assert operation["description"].endswith("."), path
        assert operation["tags"], path
        for status in ("401", "403", "422", "503"):
            content = operation["responses"][status]["content"]
            assert "application/problem+json" in content, (method, path)
        for parameter in operation.get("parameters", ()):
            described = parameter.get("description") or parameter["name"] in {"limit", "cursor"}
            assert described or parameter["in"] == "path", (path, parameter["name"])


def test_every_reference_leads_somewhere_and_every_field_is_described(schema):
    shapes = schema["components"]["schemas"]

    def walk(node):
        if isinstance(node, dict):
            if "$ref" in node:
                assert node["$ref"].removeprefix("#/components/schemas/") in shapes
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(schema)
    for name in ("SandboxView", "RunView", "CohortView", "RosterReport", "UsageRow", "PointDraft"):
        for field, described in shapes[name]["properties"].items():
            assert described.get("description"), (name, field)


def test_the_contract_that_clients_rely_on(schema):
    assert {(method.upper(), path) for method, path, _ in operations(schema)} >= {
        ("GET", "/api/v1/me"),
        ("GET", "/api/v1/labs"),
        ("GET", "/api/v1/labs/{name}"),
        ("GET", "/api/v1/sandboxes"),
        ("POST", "/api/v1/sandboxes"),
        ("GET", "/api/v1/sandboxes/{cohort}/{name}"),
        ("PATCH", "/api/v1/sandboxes/{cohort}/{name}"),
        ("DELETE", "/api/v1/sandboxes/{cohort}/{name}"),
        ("POST", "/api/v1/sandboxes/{cohort}/{name}/start"),
        ("POST", "/api/v1/sandboxes/{cohort}/{name}/suspend"),
        ("POST", "/api/v1/sandboxes/{cohort}/{name}/extend"),
        ("POST", "/api/v1/sandboxes/{cohort}/{name}/restart"),
        ("POST", "/api/v1/sandboxes/{cohort}/{name}/reset"),
        ("GET", "/api/v1/sandboxes/{cohort}/{name}/events"),
        ("GET", "/api/v1/cohorts"),
        ("POST", "/api/v1/cohorts"),
        ("GET", "/api/v1/cohorts/{name}"),
        ("PUT", "/api/v1/cohorts/{name}/roster"),
        ("GET", "/api/v1/cohorts/{name}/members"),
        ("GET", "/api/v1/cohorts/{name}/table"),
        ("GET", "/api/v1/cohorts/{name}/usage"),
        ("GET", "/api/v1/accelerators"),
        ("GET", "/api/v1/usage"),
        ("PUT", "/api/v1/runs/{run_id}"),
        ("POST", "/api/v1/runs/{run_id}/points"),
        ("POST", "/api/v1/runs/{run_id}/finish"),
        ("GET", "/api/v1/runs"),
        ("GET", "/api/v1/runs/{run_id}"),
        ("GET", "/api/v1/runs/{run_id}/points"),
        ("GET", "/api/v1/runs/{run_id}/events"),
        ("GET", "/api/v1/runs/compare"),
    }
