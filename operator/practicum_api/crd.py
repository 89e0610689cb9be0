"""CustomResourceDefinitions made from the Pydantic types.

Kubernetes accepts *structural* schemas only: no references, no unions, no null. The rules that
turn Pydantic's JSON Schema into one are those of
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/.

``python -m practicum_api.crd DIRECTORY`` writes one chart template a kind; with ``--check`` it
fails when a file there differs.
"""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from practicum_api.accelerator import AcceleratorClass
from practicum_api.base import ApiModel
from practicum_api.cohort import Cohort
from practicum_api.lab import Lab
from practicum_api.names import (
    COHORT_NAME_MAX,
    GROUP,
    SERVER_NAME_MAX,
    SERVER_NAME_PATTERN,
    VERSION,
)
from practicum_api.rules import RULES_KEY
from practicum_api.sandbox import Sandbox

Schema = dict[str, Any]

_DROPPED_KEYS = {"title", "examples", "discriminator", "uniqueItems", "const"}
_EMPTY_DEFAULTS: tuple[Any, ...] = (None, "", [], {})


@dataclass(frozen=True)
class Column:
    """A column that `kubectl get` prints; those of priority 1 only with `-o wide`."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0

    def wire(self) -> dict[str, Any]:
        """Return the column as the CRD spells it."""
        wide = {"priority": self.priority} if self.priority else {}
        return {"name": self.name, "type": self.type, "jsonPath": self.path, **wide}


def _condition(name: str, part: str = "status") -> str:
    return f'.status.conditions[?(@.type=="{name}")].{part}'


_AGE = Column("Age", ".metadata.creationTimestamp", "date")


@dataclass(frozen=True)
class Kind:
    """One kind of custom resource and how the API server presents it."""

    model: type[ApiModel]
    plural: str
    namespaced: bool = False
    short_names: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    rules: tuple[tuple[str, str], ...] = ()
    selectable: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The kind, such as `Sandbox`."""
        return self.model.__name__


KINDS: tuple[Kind, ...] = (
    Kind(
        AcceleratorClass,
        "acceleratorclasses",
        short_names=("acc",),
        columns=(
            Column("Resource", ".spec.resourceName"),
            Column("Total", ".status.total", "integer"),
            Column("In Use", ".status.inUse", "integer"),
            Column("Queued", ".status.queued", "integer"),
            Column("Ready", _condition("Ready")),
            Column("Reason", _condition("Ready", "reason"), priority=1),
            _AGE,
        ),
    ),
    Kind(
        Lab,
        "labs",
        columns=(
            Column("Title", ".spec.title.en"),
            Column("Module", ".spec.module"),
            Column("Accelerator", ".spec.accelerator.className"),
            Column("Sandboxes", ".status.sandboxes", "integer"),
            Column("Ready", _condition("Ready")),
            Column("Reason", _condition("Ready", "reason"), priority=1),
            Column("Image", ".spec.image.reference", priority=1),
            _AGE,
        ),
        rules=(
            (
                f"self.metadata.name.size() <= {SERVER_NAME_MAX}"
                f" && self.metadata.name.matches('{SERVER_NAME_PATTERN}')",
                f"a Lab's name becomes a server name: at most {SERVER_NAME_MAX} of a-z, 0-9 and"
                " single hyphens, starting with a letter",
            ),
        ),
    ),
    Kind(
        Cohort,
        "cohorts",
        columns=(
            Column("Namespace", ".status.namespace"),
            Column("Sandboxes", ".status.sandboxes.total", "integer"),
            Column("Running", ".status.sandboxes.running", "integer"),
            Column("Queued", ".status.sandboxes.queued", "integer"),
            Column("Ready", _condition("Ready")),
            Column("Reason", _condition("Ready", "reason"), priority=1),
            _AGE,
        ),
        rules=(
            (
                f"self.metadata.name.size() <= {COHORT_NAME_MAX}"
                " && self.metadata.name.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",
                f"a Cohort's name becomes part of a namespace: at most {COHORT_NAME_MAX} of a-z,"
                " 0-9 and hyphens",
            ),
        ),
    ),
    Kind(
        Sandbox,
        "sandboxes",
        namespaced=True,
        short_names=("sbx",),
        columns=(
            Column("Owner", ".spec.owner"),
            Column("Lab", ".spec.lab"),
            Column("Desired", ".spec.desiredState"),
            Column("Phase", ".status.phase"),
            Column("Reason", _condition("Ready", "reason")),
            Column("Accelerator", ".status.blueprint.accelerator.className", priority=1),
            Column("URL", ".status.url", priority=1),
            _AGE,
        ),
        selectable=(".spec.owner", ".spec.lab"),
    ),
)


def structural(model: type[ApiModel], part: str) -> Schema:
    """Return the structural schema of one part (`spec`, `status`) of a kind."""
    whole = model.model_json_schema(by_alias=True)
    inliner = _Inliner(whole.get("$defs", {}), defaults=part == "spec")
    return inliner.inline(whole["properties"][part])


@dataclass(frozen=True)
class _Inliner:
    """Replaces references by what they refer to, and what is not structural by what is."""

    definitions: Mapping[str, Schema]
    defaults: bool
    seen: tuple[str, ...] = ()

    def inline(self, schema: Schema) -> Schema:
        if "$ref" in schema:
            return self._referred(schema)
        if "anyOf" in schema and "x-kubernetes-int-or-string" not in schema:
            return self.inline(_without_null(schema))
        result = {key: value for key, value in schema.items() if key not in _DROPPED_KEYS}
        if "const" in schema:
            result["enum"] = [schema["const"]]
        if "default" in result and (not self.defaults or result["default"] in _EMPTY_DEFAULTS):
            del result["default"]
        if "description" in result:
            result["description"] = " ".join(result["description"].split())
        for key in ("items", "additionalProperties"):
            if isinstance(result.get(key), dict):
                result[key] = self.inline(result[key])
        if "properties" in result:
            members = result["properties"].items()
            result["properties"] = {name: self._member(value) for name, value in members}
        return result

    def _referred(self, schema: Schema) -> Schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        if name in self.seen:
            raise ValueError(f"{name} contains itself; a structural schema can't")
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        inner = replace(self, seen=(*self.seen, name))
        return inner.inline({**self.definitions[name], **beside})

    def _member(self, schema: Schema) -> Schema:
        """Inline a member; an object whose members all may be left out is filled when it is.

        Its default spells its members' defaults, because rules are checked against it as it is.
        """
        result = self.inline(schema)
        optional = "anyOf" in schema or bool(result.get("required"))
        nested = result.get("properties", {}).items()
        filled = {name: member["default"] for name, member in nested if "default" in member}
        if self.defaults and filled and not optional:
            result["default"] = filled
        return result


def _without_null(schema: Schema) -> Schema:
    """Return the schema of `X` for that of `X | None`."""
    others = [branch for branch in schema["anyOf"] if branch != {"type": "null"}]
    if len(others) != 1:
        raise ValueError(f"a union of {len(others)} types is not structural: {others}")
    beside = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    return {**others[0], **beside}


def definition(kind: Kind) -> Schema:
    """Return the CustomResourceDefinition of ``kind``."""
    version: Schema = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _root(kind)},
        "subresources": {"status": {}},
        "additionalPrinterColumns": [column.wire() for column in kind.columns],
    }
    if kind.selectable:
        version["selectableFields"] = [{"jsonPath": path} for path in kind.selectable]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{kind.plural}.{GROUP}",
            "annotations": {"helm.sh/resource-policy": "keep"},
        },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.name.lower(),
                "shortNames": list(kind.short_names),
                "categories": ["practicum"],
            },
            "versions": [version],
        },
    }


def _root(kind: Kind) -> Schema:
    root: Schema = {
        "type": "object",
        "description": " ".join((kind.model.__doc__ or "").split()),
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural(kind.model, "spec"),
            "status": structural(kind.model, "status"),
        },
    }
    if kind.rules:
        root[RULES_KEY] = [{"rule": rule, "message": text} for rule, text in kind.rules]
    return root


class _PlainDumper(yaml.SafeDumper):
    """Writes a value again where YAML would refer to its first place."""

    def ignore_aliases(self, data: object) -> bool:
        """Return true for everything."""
        del data
        return True


def render(kind: Kind) -> str:
    """Return the chart template of ``kind``: its CRD as YAML, with Helm's braces escaped."""
    text = yaml.dump(
        definition(kind), Dumper=_PlainDumper, sort_keys=False, width=100, allow_unicode=True
    )
    if re.search(r"\{\{|\}\}", text):
        raise ValueError(f"{kind.name} has braces that Helm would read as a template")
    return f"# Made by `make generate` from operator/practicum_api; edit the types instead.\n{text}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the CRDs into a directory, or check that those there are current."""
    parser = argparse.ArgumentParser(prog="python -m practicum_api.crd", description=main.__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    options = parser.parse_args(arguments)
    stale = []
    for kind in KINDS:
        path = options.directory / f"{kind.plural}.yaml"
        text = render(kind)
        if options.check and (not path.exists() or path.read_text() != text):
            stale.append(path.name)
        elif not options.check:
            options.directory.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if stale:
        sys.stderr.write(f"{', '.join(stale)} differ from the types; run `make generate`\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
