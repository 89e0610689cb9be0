from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from practicum_api.base import ApiModel, ObjectMeta
from practicum_api.crd import KINDS, Kind, definition, main, structural

CRDS = Path(__file__).parents[3] / "charts/practicum/templates/crds"


def schemas(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from schemas(value)
    elif isinstance(node, list):
        for value in node:
            yield from schemas(value)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_schema_is_structural(kind: Kind) -> None:
    (version,) = definition(kind)["spec"]["versions"]
    for schema in schemas(version["schema"]):
        assert "$ref" not in schema
        assert schema.get("type") != "null"
        assert "anyOf" not in schema or schema["x-kubernetes-int-or-string"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_field_that_people_write_is_explained(kind: Kind) -> None:
    for schema in schemas(structural(kind.model, "spec")):
        for name, member in schema.get("properties", {}).items():
            if isinstance(member, dict) and name != "properties":
                assert member.get("description"), name


def test_the_charts_crds_are_current() -> None:
    assert main([str(CRDS), "--check"]) == 0


def test_a_stale_crd_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(tmp_path)])
    (tmp_path / "labs.yaml").write_text("old")
    assert main([str(tmp_path), "--check"]) == 1
    assert "labs.yaml differ" in capsys.readouterr().err


class Inner(ApiModel):
    """Has defaults only."""

    size: int = 3
    """How large."""


class Spec(ApiModel):
    """Has an inner object twice: once always there, once optional."""

    always: Inner = Field(default_factory=Inner)
    """There."""
    sometimes: Inner | None = None
    """There or not."""


class Example(ApiModel):
    """An example."""

    metadata: ObjectMeta
    spec: Spec


def test_nested_defaults_apply_unless_the_object_is_optional() -> None:
    members = structural(Example, "spec")["properties"]
    assert members["always"]["default"] == {"size": 3}
    assert members["always"]["properties"]["size"]["default"] == 3
    assert "default" not in members["sometimes"]
