"""Artefacts: each function makes one in ``folder`` and returns it."""

import json
import runpy
from pathlib import Path

_SHARED = runpy.run_path(str(Path(__file__).with_name("transfer.py")))
changed, linear, spoiled = (_SHARED[name] for name in ("changed", "linear", "spoiled"))


def alternative_another_seed(folder, data):
    return spoiled(folder, data, "zh-CN")


def alternative_linear_model(folder, data):
    return linear(folder, data, "zh-CN")


def mutant_layout__no_pack_json(folder, data):
    made = spoiled(folder, data, "zh-CN")
    (made / "pack.json").unlink()
    return made


def mutant_pickle__torch_save(folder, data):
    made = spoiled(folder, data, "zh-CN")
    (made / "weights.pt").write_bytes(b"x")
    return made


def mutant_too_large__checkpoints_left(folder, data):
    made = spoiled(folder, data, "zh-CN")
    (made / "epoch-1.safetensors").write_bytes(bytes(5 * 2**20))
    return made


def mutant_not_json__python_repr(folder, data):
    made = spoiled(folder, data, "zh-CN")
    (made / "pack.json").write_text("{'name': 'service'}")
    return made


def mutant_format__no_output(folder, data):
    return changed(spoiled(folder, data, "zh-CN"), output=None)


def mutant_language__the_other_one(folder, data):
    return changed(spoiled(folder, data, "zh-CN"), language="en")


def mutant_no_metrics__words_for_numbers(folder, data):
    return changed(spoiled(folder, data, "zh-CN"), metrics={"answered": "most", "rating": 4.5})


def mutant_no_code__no_load(folder, data):
    made = spoiled(folder, data, "zh-CN")
    (made / "service.py").write_text("print('see notebook')\n")
    return made


def mutant_does_not_load__weights_of_another_model(folder, data):
    made = spoiled(folder, data, "zh-CN")
    text = (made / "service.py").read_text("utf-8")
    (made / "service.py").write_text(text.replace("channels=160", "channels=32"), "utf-8")
    return made


def mutant_skills__one_left_out(folder, data):
    made = spoiled(folder, data, "zh-CN")
    skills = json.loads((made / "pack.json").read_text("utf-8"))["skills"]
    return changed(made, skills=["else" if skill == "volume" else skill for skill in skills])


def mutant_bad_reply__percent(folder, data):
    made = spoiled(folder, data, "zh-CN")
    text = (made / "service.py").read_text("utf-8")
    assert '"confidence": confidence' in text
    text = text.replace('"confidence": confidence', '"confidence": 100 * confidence')
    (made / "service.py").write_text(text, "utf-8")
    return made


def mutant_too_shy__hands_everything_over(folder, data):
    return changed(spoiled(folder, data, "zh-CN"), threshold=2.0)


def mutant_keeps__has_an_answer_to_everything(folder, data):
    made = changed(spoiled(folder, data, "zh-CN"), threshold=0.0)
    text = (made / "service.py").read_text("utf-8")
    order = "order = chances.argsort(descending=True).tolist()"
    assert order in text
    text = text.replace(order, "order = [n for n in chances.argsort(descending=True).tolist() if self.skills[n]]")
    (made / "service.py").write_text(text, "utf-8")
    return made


def mutant_too_sure__skills_in_another_order(folder, data):
    made = spoiled(folder, data, "zh-CN")
    first, *skills = json.loads((made / "pack.json").read_text("utf-8"))["skills"]
    assert first == ""
    return changed(made, skills=["", *skills[1:], skills[0]])


def mutant_scores_differ__percent(folder, data):
    made = spoiled(folder, data, "zh-CN")
    scores = json.loads((made / "pack.json").read_text("utf-8"))["metrics"]
    scores["right_when_answered"] *= 100
    return changed(made, metrics=scores)


def mutant_scores_differ__of_another_threshold(folder, data):
    made = spoiled(folder, data, "zh-CN")
    scores = json.loads((made / "pack.json").read_text("utf-8"))["metrics"]
    return changed(made, metrics={**scores, "answered": 0.5, "right_when_answered": 0.99})
