"""Makes docs/reference.md from the custom resources, the settings and the metrics.

``python scripts/reference.py PATH`` writes it; with ``--check`` it fails when the file differs.
"""

import argparse
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from practicum_api.crd import KINDS, Kind, structural
from practicum_api.names import API_VERSION
from practicum_api.reasons import Reason
from practicum_api.rules import RULES_KEY
from practicum_hub.settings import HubSettings
from practicum_operator import metrics as operator_metrics
from practicum_operator.settings import Settings as OperatorSettings
from practicum_portal import metrics as portal_metrics
from practicum_portal.settings import Settings as PortalSettings

HEAD = """# Reference

Made by `make generate` from the types, the settings and the metrics themselves.
"""


def main() -> int:
    """Write the page, or check that it is current."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    text = "\n".join(page())
    if not options.check:
        options.path.write_text(text)
    elif options.path.read_text() != text:
        sys.stderr.write(f"{options.path} is not current; run `make generate`\n")
        return 1
    return 0


def page() -> Iterator[str]:
    """Yield the lines of the page."""
    yield HEAD
    yield f"## Custom resources ({API_VERSION})\n"
    for kind in KINDS:
        yield from resource(kind)
    yield "## Reasons\n"
    yield "| reason | means |\n|---|---|"
    yield from (f"| `{reason}` | {reason.text} |" for reason in Reason)
    yield "\n## Settings\n"
    for title, settings in (
        ("Operator", OperatorSettings),
        ("JupyterHub", HubSettings),
        ("Portal", PortalSettings),
    ):
        yield from environment(title, settings)
    yield "## Metrics\n"
    yield "| metric | says |\n|---|---|"
    for module in (operator_metrics, portal_metrics):
        yield from metrics(module)
    yield ""


def resource(kind: Kind) -> Iterator[str]:
    """Yield the section of one kind: what people write, then what the operator answers."""
    short = f", short name `{kind.short_names[0]}`" if kind.short_names else ""
    scope = "namespaced" if kind.namespaced else "cluster-wide"
    yield f"### {kind.name}\n"
    yield f"{' '.join((kind.model.__doc__ or '').split())} ({scope}{short})\n"
    for part in ("spec", "status"):
        yield "| field | type | default | says |\n|---|---|---|---|"
        yield from fields(structural(kind.model, part), part)
        yield ""


def fields(schema: dict[str, Any], path: str) -> Iterator[str]:
    """Yield a row for each field below ``path``, and for each rule on it."""
    for name, member in schema.get("properties", {}).items():
        inner = member.get("items", {}) if member.get("type") == "array" else member
        here = f"{path}.{name}{'[]' if member.get('type') == 'array' else ''}"
        required = "required" if name in schema.get("required", []) else ""
        plain = isinstance(member.get("default"), str | int | float)
        default = f"`{member['default']}`" if plain else required
        says = cell(member.get("description", ""))
        yield f"| `{here}` | {type_of(member)} | {default} | {says} |"
        yield from (f"| | | | *{cell(rule['message'])}* |" for rule in inner.get(RULES_KEY, []))
        if inner.get("properties"):
            yield from fields(inner, here)


def type_of(schema: dict[str, Any]) -> str:
    """Return how a field's type reads."""
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"] if value != "")
    if schema.get("x-kubernetes-int-or-string"):
        return "quantity"
    if schema.get("type") == "array":
        return f"list of {type_of(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        return "map of string"
    return str(schema.get("format") or schema.get("type", "object"))


def environment(title: str, settings: type[BaseSettings]) -> Iterator[str]:
    """Yield a table of one process's environment variables."""
    yield f"### {title}\n"
    yield "| variable | default | says |\n|---|---|---|"
    prefix = settings.model_config.get("env_prefix", "")
    for name, field in settings.model_fields.items():
        made = field.default is PydanticUndefined
        value = field.get_default(call_default_factory=True) if field.default_factory else None
        default = "required" if field.is_required() else f"`{value if made else field.default}`"
        variable = f"{prefix}{name}".upper()
        yield f"| `{variable}` | {cell(default)} | {cell(field.description or '')} |"
    yield ""


def metrics(module: ModuleType) -> Iterator[str]:
    """Yield a row for each metric that a module names, in its own words."""
    source = inspect.getsource(module)
    for name, text in sorted(re.findall(r'"(practicum_\w+)",\s*"([^"]+)"', source)):
        yield f"| `{name}` | {cell(text)} |"


def cell(text: str) -> str:
    """Return ``text`` as one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
