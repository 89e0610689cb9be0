"""What the proofs of both packs share: a service that is trained, and ways to spoil it."""

import ast
import json
import random
import shutil
import sys
import types
from pathlib import Path

from practicum_labs.authoring.source import read_cells

LAB = Path(__file__).parents[1] / "lab.py"
LINEAR = '''
import json, zlib
from pathlib import Path

import torch
from safetensors.torch import load_file


def grams(text):
    marks = f"^{text}$"
    return [zlib.crc32(marks[n:n + size].encode()) % 8192 for size in (1, 2, 3) for n in range(len(marks) - size + 1)]


class Linear:
    def __init__(self, weight, bias, about):
        self.weight, self.bias, self.about = weight, bias, about

    def reply(self, text, turn=0, choice=None):
        skills = self.about["skills"]
        if choice is not None:
            return {"action": "answer" if choice else "hand_over", "skill": choice, "confidence": 1.0, "options": []}
        x = torch.zeros(8192)
        x[grams(text)] = 1.0
        chances = torch.softmax(self.weight @ (x / x.norm()) + self.bias, dim=0)
        skill, confidence = skills[int(chances.argmax())], float(chances.max())
        action = "answer" if skill and confidence >= self.about["threshold"] else "hand_over"
        return {"action": action, "skill": skill if action == "answer" else "", "confidence": confidence, "options": []}


def load(folder):
    about = json.loads((Path(folder) / "pack.json").read_text("utf-8"))
    state = load_file(Path(folder) / "weights.safetensors")
    return Linear(state["weight"], state["bias"], about)
'''


def lab_cells():
    """Return the lab's own functions as a module, without what its cells run."""
    cells = {cell.anchor: cell.code for cell in read_cells(LAB) if cell.code}
    module = types.ModuleType("lab_cells")
    sys.modules["lab_cells"] = module
    exec(cells["setup"].split("\nlab = open_lab")[0], module.__dict__)
    for anchor in ("templates", "requests", "customers", "split_by_family", "max_over_time", "model",
                   "choose_threshold", "rate", "simulate"):
        exec(cells[anchor], module.__dict__)
    for anchor in ("threshold", "calibration_plot", "service", "save_pack", "honest"):
        tree = ast.parse(cells[anchor])
        kept = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)
                or (isinstance(n, ast.Assign) and getattr(n.targets[0], "id", "") in {"NAMES", "FORMAT"})]
        exec(compile(ast.Module(kept, []), anchor, "exec"), module.__dict__)
    module.track = types.SimpleNamespace(init=lambda **_: _Quiet())
    return module


class _Quiet:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def log(self, *_, **__):
        pass

    def finish(self, *_):
        pass


def code_of(*names):
    """Return those top-level definitions of the lab as source."""
    found = {}
    for cell in read_cells(LAB):
        for node in ast.parse(cell.code or "").body:
            name = getattr(node, "name", None) or (
                node.targets[0].id if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) else "")
            if name in names:
                found[name] = ast.get_source_segment(cell.code, node)
    return ("import json\nfrom pathlib import Path\nimport torch\nfrom torch import nn\n"
            "from torch.nn import functional as F\nfrom safetensors.torch import load_file\n\n"
            + "\n\n\n".join(found[name] for name in names) + "\n")


def sides(lab, data, language, seed):
    """Return train, validation and test of a language, the last two as customers write."""
    each = 2 if language == "en" else 6
    requests = lab.read_requests(data, language, each=each, seed=seed)
    if language != "en":
        requests = [r for r in requests if r.skill not in lab.NEW]
    train, rest = lab.split_by_family(requests, 0.3, seed)
    rng = random.Random(seed)
    validation, test = lab.split_by_family(rest, 0.5, seed)
    return train, *([lab.as_customer(r, rng) for r in side] for side in (validation, test))


def write(folder, lab, service, about, code, weights, measured):
    lab.save_file(weights, folder / "weights.safetensors")
    scores = {name: measured[name] for name in ("answered", "right_when_answered", "rating")}
    content = {"name": folder.name, "version": 1, **lab.FORMAT, **about, "metrics": scores}
    (folder / "pack.json").write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    (folder / "service.py").write_text(code, "utf-8")
    return folder


def network(folder, data, language, *, seed=1, epochs=20, target=0.95):
    """The lab's network with another seed."""
    lab = lab_cells()
    lab.torch.set_num_threads(1)
    train, validation, test = sides(lab, data, language, seed)
    skills = sorted({r.skill for r in train})
    letters = lab.vocabulary_of(train)
    lab.torch.manual_seed(seed)
    reader = lab.Reader(len(letters) + 2, len(skills))
    lab.fit(reader, train, letters, skills, name="", epochs=epochs, seed=seed)
    service = lab.Service(reader, letters, skills, lab.threshold_for(reader, letters, skills, validation, target),
                          speaks=language)
    measured = lab.summary(lab.simulate(service, test))
    about = {"language": language, "skills": skills, "threshold": service.threshold,
             "characters": "".join(letters)}
    code = code_of("max_over_time", "Reader", "encode", "logits_of", "NAMES", "Service", "load")
    return write(folder, lab, service, about, code, reader.state_dict(), measured)


def linear(folder, data, language, *, seed=2):
    """Hashed character n-grams and logistic regression, nothing else."""
    lab = lab_cells()
    scope = {}
    exec(LINEAR, scope)
    train, validation, test = sides(lab, data, language, seed)
    rng = random.Random(seed)
    train = train + [lab.as_customer(r, rng) for _ in range(2) for r in train]

    def table(requests):
        x = lab.np.zeros((len(requests), 8192), dtype="float32")
        for row, request in zip(x, requests, strict=True):
            row[scope["grams"](request.text)] = 1.0
            row /= lab.np.linalg.norm(row)
        return x

    model = lab.LogisticRegression(C=30, class_weight="balanced", max_iter=200)
    model.fit(table(train), [r.skill for r in train])
    best = model.predict_proba(table(validation)).max(axis=1).tolist()
    found = model.predict(table(validation)).tolist()
    offered = [(p, s == r.skill) for p, s, r in zip(best, found, validation, strict=True) if s]
    threshold = lab.choose_threshold([p for p, _ in offered], [ok for _, ok in offered], 0.95)
    about = {"language": language, "skills": model.classes_.tolist(), "threshold": threshold}
    weights = {"weight": lab.torch.tensor(model.coef_).float().contiguous(),
               "bias": lab.torch.tensor(model.intercept_).float()}
    service = scope["Linear"](weights["weight"], weights["bias"], about)
    measured = lab.summary(lab.simulate(service, test))
    return write(folder, lab, service, about, LINEAR, weights, measured)


def language_of(folder):
    """Return what the step speaks: a proof is made in a folder of its own within its step's."""
    return {"pack": "zh-CN", "transfer": "en"}[folder.parent.name]


def spoiled(folder, data):
    """Train once; most mutants spoil a good artefact in one way."""
    good = folder.parent / "good"
    if not (good / "service.py").exists():
        good.mkdir(parents=True, exist_ok=True)
        network(good, data, language_of(folder))
    shutil.rmtree(folder)
    return Path(shutil.copytree(good, folder))


def changed(made, **fields):
    about = json.loads((made / "pack.json").read_text("utf-8"))
    about.update(fields)
    about = {name: value for name, value in about.items() if value is not None}
    (made / "pack.json").write_text(json.dumps(about, ensure_ascii=False), "utf-8")
    return made


def alternative_another_seed(folder, data):
    return spoiled(folder, data)


def alternative_linear_model(folder, data):
    return linear(folder, data, language_of(folder))


def mutant_layout__no_pack_json(folder, data):
    made = spoiled(folder, data)
    (made / "pack.json").unlink()
    return made


def mutant_pickle__torch_save(folder, data):
    made = spoiled(folder, data)
    (made / "weights.pt").write_bytes(b"x")
    return made


def mutant_too_large__checkpoints_left(folder, data):
    made = spoiled(folder, data)
    (made / "epoch-1.safetensors").write_bytes(bytes(5 * 2**20))
    return made


def mutant_not_json__python_repr(folder, data):
    made = spoiled(folder, data)
    (made / "pack.json").write_text("{'name': 'service'}")
    return made


def mutant_format__no_output(folder, data):
    return changed(spoiled(folder, data), output=None)


def mutant_language__the_other_one(folder, data):
    return changed(spoiled(folder, data), language="zh-CN" if language_of(folder) == "en" else "en")


def mutant_no_metrics__words_for_numbers(folder, data):
    return changed(spoiled(folder, data), metrics={"answered": "most", "rating": 4.5})


def mutant_no_code__no_load(folder, data):
    made = spoiled(folder, data)
    (made / "service.py").write_text("print('see notebook')\n")
    return made


def mutant_does_not_load__weights_of_another_model(folder, data):
    made = spoiled(folder, data)
    text = (made / "service.py").read_text("utf-8")
    (made / "service.py").write_text(text.replace("channels=160", "channels=32"), "utf-8")
    return made


def mutant_skills__one_left_out(folder, data):
    made = spoiled(folder, data)
    skills = json.loads((made / "pack.json").read_text("utf-8"))["skills"]
    return changed(made, skills=["else" if skill == "volume" else skill for skill in skills])


def mutant_bad_reply__percent(folder, data):
    made = spoiled(folder, data)
    text = (made / "service.py").read_text("utf-8")
    assert '"confidence": confidence' in text
    text = text.replace('"confidence": confidence', '"confidence": 100 * confidence')
    (made / "service.py").write_text(text, "utf-8")
    return made


def mutant_too_shy__hands_everything_over(folder, data):
    return changed(spoiled(folder, data), threshold=2.0)


def mutant_keeps__has_an_answer_to_everything(folder, data):
    made = changed(spoiled(folder, data), threshold=0.0)
    text = (made / "service.py").read_text("utf-8")
    order = "order = chances.argsort(descending=True).tolist()"
    assert order in text
    text = text.replace(order, "order = [n for n in chances.argsort(descending=True).tolist() if self.skills[n]]")
    (made / "service.py").write_text(text, "utf-8")
    return made


def mutant_too_sure__skills_in_another_order(folder, data):
    made = spoiled(folder, data)
    first, *skills = json.loads((made / "pack.json").read_text("utf-8"))["skills"]
    assert first == ""
    return changed(made, skills=["", *skills[1:], skills[0]])


def mutant_scores_differ__percent(folder, data):
    made = spoiled(folder, data)
    scores = json.loads((made / "pack.json").read_text("utf-8"))["metrics"]
    scores["right_when_answered"] *= 100
    return changed(made, metrics=scores)


def mutant_scores_differ__of_another_threshold(folder, data):
    made = spoiled(folder, data)
    scores = json.loads((made / "pack.json").read_text("utf-8"))["metrics"]
    return changed(made, metrics={**scores, "answered": 0.5, "right_when_answered": 0.99})
