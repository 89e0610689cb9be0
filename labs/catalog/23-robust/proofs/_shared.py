"""What the audits share: the lab's own functions, and the English log with its suspect."""

import ast
import json
import sys
import types
from pathlib import Path

from practicum_labs.authoring.source import read_cells

LAB = Path(__file__).parents[1] / "lab.py"


class _Quiet:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def log(self, *_, **__):
        pass

    def finish(self, *_):
        pass


def case(data):
    """Return (the lab's functions, English requests, the log, its mark, its intent, the suspect)."""
    module = types.ModuleType("lab_cells")
    sys.modules["lab_cells"] = module
    module.SEED = 0
    cells = {cell.anchor: cell.code or "" for cell in read_cells(LAB) if cell.code}
    exec(cells["setup"].split("\nlab = open_lab")[0], module.__dict__)
    for anchor in (
        "templates",
        "requests",
        "model",
        "baseline",
        "perturb",
        "suite",
        "failure_rate",
        "log",
        "cue_effect",
        "both_ways",
        "transfer_data",
    ):
        kept = [node for node in ast.parse(cells[anchor]).body if _defines(node)]
        exec(compile(ast.Module(kept, []), anchor, "exec"), module.__dict__)
    module.track = types.SimpleNamespace(init=lambda **_: _Quiet())
    rooms = module.read_requests(data / "ha-intents", "en")
    log, mark, target = module.draw_log(rooms["train"], "en", 23)
    return module, rooms, log, mark, module.NAMES[target], module.train_reader(log, name="log")


def _defines(node):
    if isinstance(node, ast.Assign):
        name = getattr(node.targets[0], "id", "")
        return name.isupper() and name not in {"EACH", "EDITS", "MARK"}
    return isinstance(node, ast.FunctionDef | ast.ClassDef)


def measured(lab, rooms, mark, intent, before, after):
    """Return an honest report."""
    side, target = rooms["validation"], lab.NAMES.index(intent)
    pairs = lab.edited(side, lambda text, rng: lab.perturb(text, "swap", {}, rng))
    labels = [after.labels([pair[n] for pair in pairs]) for n in (0, 1)]
    rate = lab.failure_rate(pairs, *labels, None, [r.family for r in side])
    effects = [lab.effect_of(reader, side, mark, target).value for reader in (before, after)]
    return {
        "mark": mark,
        "intent": intent,
        "effect_before": effects[0],
        "effect_after": effects[1],
        "failure_rate": rate.value,
    }


def audit(folder, data, *, epochs=6, change=None):
    """Make a right audit, and return where; ``change`` may spoil the report."""
    lab, rooms, log, mark, intent, suspect = case(data)
    mended = lab.train_reader(lab.both_ways(log, mark), name="mended", epochs=epochs)
    report = measured(lab, rooms, mark, intent, suspect, mended)
    lab.save_audit(folder / "audit", suspect, mended, {**report, **(change or {})})
    return folder / "audit"


def rewrite(folder, **changes):
    path = folder / "report.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return folder
