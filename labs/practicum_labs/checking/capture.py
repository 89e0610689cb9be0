"""Turn a function written in a notebook into a module that stands alone.

What a check runs is source, not a live object: it works in another process, on another
machine, and shows at once when a function leans on a variable of the notebook.
"""

import ast
import builtins
import inspect
import linecache
import symtable
import sys
import textwrap
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

PLAIN: Final = (bool, int, float, str, bytes, type(None))


class CaptureError(ValueError):
    """The object can't be checked as it is; ``reason`` is a key of the toolkit's messages."""

    def __init__(self, reason: str, **facts: Any) -> None:
        """Keep what the message needs."""
        super().__init__(reason)
        self.reason, self.facts = reason, facts


@dataclass(frozen=True, slots=True)
class Candidate:
    """Source of a module, and the name of what is checked in it."""

    source: str
    name: str


def capture(thing: Any) -> Candidate:
    """Return ``thing`` (a function or class) with all it needs; raise CaptureError."""
    thing = inspect.unwrap(thing)
    if not isinstance(thing, types.FunctionType | type):
        raise CaptureError("not_a_function", got=type(thing).__name__)
    if thing.__name__ == "<lambda>":
        raise CaptureError("lambda")
    module = _Module()
    module.define(thing)
    return Candidate(module.source(), thing.__name__)


def module_of(*things: Any) -> str:
    """Return one module with all of ``things`` and what they need; raise CaptureError."""
    module = _Module()
    for thing in things:
        module.define(thing)
    return module.source()


@dataclass(slots=True)
class _Module:
    imports: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)
    pending: set[str] = field(default_factory=set)

    def source(self) -> str:
        """Return the module: imports, then constants, then what was needed first."""
        head = ["\n".join(part.values()) for part in (self.imports, self.constants) if part]
        return "\n\n\n".join([*head, *self.definitions.values()]) + "\n"

    def define(self, thing: Callable[..., Any] | type) -> None:
        """Add ``thing`` after everything it needs."""
        name = thing.__name__
        if name in self.definitions or name in self.pending:
            return
        self.pending.add(name)
        text = _source_of(thing)
        scope = _globals_of(thing)
        for needed in sorted(_free_names(text)):
            if needed in scope and needed != name:
                self._need(needed, scope[needed], user=name)
            elif not hasattr(builtins, needed) and needed != name:
                raise CaptureError("undefined", function=name, variable=needed)
        self.definitions[name] = text

    def _need(self, name: str, value: Any, *, user: str) -> None:
        value = inspect.unwrap(value)
        if isinstance(value, types.ModuleType):
            self.imports[name] = f"import {_renamed(value.__name__, name)}"
        elif isinstance(value, types.FunctionType | type) and _is_local(value):
            if value.__name__ != name:
                raise CaptureError("renamed", function=user, variable=name)
            self.define(value)
        elif _importable(value):
            self.imports[name] = f"from {_home(value)} import {_renamed(value.__name__, name)}"
        elif _plain(value):
            self.constants[name] = f"{name} = {_written(value)}"
        else:
            kind = type(value).__name__
            raise CaptureError("global", function=user, variable=name, kind=kind)


def _source_of(thing: Any) -> str:
    try:
        if isinstance(thing, type) and _is_local(thing):
            return _class_source(thing)
        return textwrap.dedent(inspect.getsource(thing)).strip("\n")
    except (OSError, TypeError) as error:
        raise CaptureError("no_source", function=thing.__name__) from error


def _class_source(thing: type) -> str:
    """Return the source of a class of the notebook.

    A class does not know its file, and `inspect` asks the module, which a notebook has not: one
    of its methods leads there, or else it is looked for in all cells, the newest first.
    """
    files = [
        member.__code__.co_filename
        for member in vars(thing).values()
        if isinstance(member, types.FunctionType) and member.__qualname__.startswith(thing.__name__)
    ]
    cells = [name for name, entry in linecache.cache.items() if len(entry) > 1 and not entry[1]]
    for name in (*files, *reversed(cells)):
        text = "".join(linecache.getlines(name))
        with suppress(SyntaxError):
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.ClassDef) and node.name == thing.__name__:
                    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                    return "\n".join(text.splitlines()[first - 1 : node.end_lineno])
    raise OSError("no source")


def _globals_of(thing: Any) -> Mapping[str, Any]:
    if isinstance(thing, types.FunctionType):
        return {**thing.__globals__, **inspect.getclosurevars(thing).nonlocals}
    for member in vars(thing).values():
        if isinstance(member, types.FunctionType):
            return member.__globals__
    return {}


def _free_names(text: str) -> set[str]:
    """Return names that ``text`` reads and does not make itself."""
    top = symtable.symtable(text, "<candidate>", "exec")
    made = {name.get_name() for name in top.get_symbols() if name.is_assigned()}
    return set(_globals_read(top)) - made


def _globals_read(table: symtable.SymbolTable) -> Iterator[str]:
    outermost = table.get_type() == "module"
    for name in table.get_symbols():
        if name.is_referenced() and (outermost or name.is_global()):
            yield name.get_name()
    for inner in table.get_children():
        yield from _globals_read(inner)


def _is_local(value: Any) -> bool:
    """Whether ``value`` was written in the notebook."""
    return getattr(value, "__module__", None) == "__main__"


def _home(value: Any) -> str:
    """Return the module people import ``value`` from: the outermost that shows it."""
    parts = value.__module__.split(".")
    for depth in range(1, len(parts)):
        module = sys.modules.get(".".join(parts[:depth]))
        if getattr(module, value.__name__, None) is value:
            return ".".join(parts[:depth])
    return str(value.__module__)


def _renamed(name: str, used: str) -> str:
    return name if name == used else f"{name} as {used}"


def _importable(value: Any) -> bool:
    module, name = getattr(value, "__module__", None), getattr(value, "__name__", None)
    return isinstance(module, str) and module != "__main__" and isinstance(name, str)


def _plain(value: Any) -> bool:
    if type(value) in PLAIN:
        return True
    if type(value) in {list, tuple, set, frozenset}:
        return all(_plain(item) for item in value)
    if type(value) is dict:
        return all(_plain(key) and _plain(item) for key, item in value.items())
    return False


def _written(value: Any) -> str:
    """Return a plain value as source; `repr` has no word that Python knows for infinity."""
    text = repr(value)
    with suppress(ValueError):
        ast.literal_eval(text)
        return text
    if isinstance(value, float):
        return f"float('{value}')"
    if isinstance(value, dict):
        pairs = (f"{_written(key)}: {_written(item)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    items = "".join(f"{_written(item)}, " for item in value)
    return f"{type(value).__name__}(({items}))"
