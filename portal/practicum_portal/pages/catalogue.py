"""Catalogue: collects every text that a person may read, and keeps the `.po` file in step.

Run `python -m practicum_portal.pages.catalogue` after changing a text; new ones are then empty in
the file and wait for a translator. Texts of errors are collected from where they are raised: the
values in an f-string become `%(1)s`, `%(2)s`, and a text that arrives at a page is matched against
such patterns.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from practicum_api.reasons import Reason
from practicum_portal import errors
from practicum_portal.pages.languages import CATALOGUE, PLACE

PACKAGE = Path(__file__).parent.parent
_METHODS = [("pages/**.py", "python"), ("templates/**.html", "jinja2")]
_JINJA = {"trimmed": "false", "silent": "false", "newstyle_gettext": "true"}
_PROBLEM_TEXTS = (4, 5)
"""Places of the texts among the arguments of `problem(row, column, code, value, message, hint)`."""

_HEADER = """# Chinese texts of the portal. Module pages.catalogue adds new ones.
msgid ""
msgstr ""
"Language: zh_CN\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""

_ERRORS = frozenset(name for name in vars(errors) if name.endswith("Error")) | {"__init__"}
"""What carries texts for people; `__init__` is an error's own call of its base."""

Message = str | tuple[str, str]


def collect() -> dict[Message, list[tuple[str, int]]]:
    """Return every message with the files that hold it."""
    found: dict[Message, list[tuple[str, int]]] = {}
    extracted = extract_from_dir(
        PACKAGE,
        method_map=_METHODS,
        options_map={"templates/**.html": _JINJA},
        keywords={"N": None, "_": None, "gettext": None, "ngettext": (1, 2), "text": (1,)},
    )
    for file, line, message, _comments, _context in extracted:
        key = message if isinstance(message, str) else (message[0], message[1])
        found.setdefault(key, []).append((file, line))
    for reason in Reason:
        found.setdefault(reason.text, []).append(("practicum_api/reasons.py", 1))
    for path in sorted(PACKAGE.rglob("*.py")):
        name = str(path.relative_to(PACKAGE))
        if not name.startswith(("pages/", "migrations/")):
            for text, line in raised_texts(path.read_text()):
                found.setdefault(text, []).append((name, line))
    return found


def raised_texts(source: str) -> Iterator[tuple[str, int]]:
    """Yield the texts of errors and roster problems that ``source`` makes, as messages."""
    tree = ast.parse(source)
    names = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        for text in _texts_of(node):
            for part in (text, *_named_parts(text)):
                message = _message(names.get(part.id, part) if isinstance(part, ast.Name) else part)
                if any(letter.isalpha() for letter in PLACE.sub("", message)):
                    yield message, node.lineno


def _named_parts(text: ast.expr) -> list[ast.expr]:
    """Return the constants that an f-string puts in whole, such as a hint it shares."""
    if not isinstance(text, ast.JoinedStr):
        return []
    values = [part.value for part in text.values if isinstance(part, ast.FormattedValue)]
    return [value for value in values if isinstance(value, ast.Name) and value.id.isupper()]


def _texts_of(call: ast.Call) -> list[ast.expr]:
    """Return the arguments of ``call`` that a person will read."""
    name = getattr(call.func, "id", "") or getattr(call.func, "attr", "")
    found: list[ast.expr] = []
    if name == "problem":
        found = [call.args[place] for place in _PROBLEM_TEXTS if place < len(call.args)]
    elif name in _ERRORS:
        found = [*call.args[:1], *(word.value for word in call.keywords if word.arg == "hint")]
    return [
        part for text in found for part in (text.values if isinstance(text, ast.BoolOp) else [text])
    ]


def _message(node: ast.expr) -> str:
    """Return a string or f-string as a message with numbered places; empty for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return ""
    parts, places = [], 0
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
        else:
            places += 1
            parts.append(f"%({places})s")
    return "".join(parts)


def read() -> Catalog:
    """Return the catalogue as it stands in the repository."""
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="zh_CN")


def update() -> int:
    """Bring the file in step with the texts; return how many have no translation."""
    old = read()
    new = Catalog(locale="zh_CN")
    missing = 0
    for message, places in sorted(collect().items(), key=lambda item: item[1][0]):
        key = message if isinstance(message, str) else message[0]
        known = old.get(key)
        translated = known.string if known is not None else ""
        missing += not translated or not any(translated)
        files = sorted({(file, 0) for file, _ in places})
        new.add(message, translated, locations=files)
    with CATALOGUE.open("wb") as file:
        file.write(_HEADER.encode())
        write_po(file, new, width=100, omit_header=True, include_lineno=False)
    return missing


def main() -> None:
    """Update the file and say what is missing."""
    missing = update()
    print(f"{CATALOGUE}: {missing} texts without a translation")  # noqa: T201


if __name__ == "__main__":
    main()
