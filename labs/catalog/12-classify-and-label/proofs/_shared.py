"""What the proofs of the reader share: one that is trained once, and ways to spoil it."""

import ast
import json
import shutil
import sys
import types
from pathlib import Path

from practicum_labs.authoring.source import read_cells

LAB = Path(__file__).parents[1] / "lab.py"
WHOLE = ("words", "draw", "to_bio", "spans_of", "entity_f1", "split_apart", "viterbi", "network")
PARTS = {"rules": {"allowed"}, "save": {"load", "save"}}
EACH, EPOCHS = 5, 10


class _Quiet:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def log(self, *_, **__):
        pass


def lab_cells():
    """Return the lab's own functions as a module, without what its cells run."""
    cells = {cell.anchor: cell.code for cell in read_cells(LAB) if cell.code}
    module = types.ModuleType("lab_cells")
    sys.modules["lab_cells"] = module
    exec(cells["setup"].split("\nlab = open_lab")[0], module.__dict__)
    module.torch.set_num_threads(1)
    module.EPOCHS = EPOCHS
    module.lab = types.SimpleNamespace(tier=types.SimpleNamespace(device="cpu"))
    module.track = types.SimpleNamespace(init=lambda **_: _Quiet())
    for anchor in WHOLE:
        exec(cells[anchor], module.__dict__)
    for anchor, names in PARTS.items():
        kept = [node for node in ast.parse(cells[anchor]).body if getattr(node, "name", "") in names]
        exec(compile(ast.Module(kept, []), anchor, "exec"), module.__dict__)
    return module


def code_of(*names):
    """Return those top-level definitions of the lab as source."""
    found = {}
    for cell in read_cells(LAB):
        for node in ast.parse(cell.code or "").body:
            if getattr(node, "name", "") in names:
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                found[node.name] = "\n".join(cell.code.splitlines()[first - 1 : node.end_lineno])
    imports = ("import json\nfrom dataclasses import dataclass\nfrom pathlib import Path\n\nimport numpy as np\n"
               "import torch\nfrom safetensors.torch import load_file\nfrom torch import nn\n\n\n")
    return imports + "\n\n\n".join(found[name] for name in names) + "\n"


CODE = ("spans_of", "allowed", "viterbi", "Reader", "encode", "Service", "load")


def trained(folder, data, *, seeds=(1, 2), **settings):
    """Train on English requests and lay the reader out with the scores of an honest test."""
    lab = lab_cells()
    requests = lab.read_requests(data / "ha-intents", "en", draws=4 * EACH, side="open", seed=0)
    rest, test = lab.split_apart(requests, 0.2, 0)
    train, test = lab.at_most(rest, EACH), lab.at_most(test, EACH)
    service = lab.together([lab.fit(train, test, name="", seed=seed, **settings) for seed in seeds])
    f1, accuracy = lab.scores_of(service, test)
    lab.module_of = lambda *_: code_of(*CODE)
    lab.save(folder, service, {"entity_f1": f1, "accuracy": accuracy})
    return folder


def spoiled(folder, data):
    """Train once; most mutants spoil a good reader in one way."""
    good = folder.parent / "good"
    if not (good / "reader.json").exists():
        good.mkdir(parents=True, exist_ok=True)
        trained(good, data)
    shutil.rmtree(folder)
    return Path(shutil.copytree(good, folder))


def changed(made, **fields):
    """Change fields of reader.json."""
    about = json.loads((made / "reader.json").read_text("utf-8"))
    (made / "reader.json").write_text(json.dumps({**about, **fields}, ensure_ascii=False), "utf-8")
    return made


def recoded(made, old, new):
    """Change a piece of reader.py."""
    text = (made / "reader.py").read_text("utf-8")
    assert old in text, old
    (made / "reader.py").write_text(text.replace(old, new), "utf-8")
    return made
