"""Artefacts: each function makes one in ``folder`` and returns it."""

import hashlib
import json
import random
import shutil
from collections import Counter, defaultdict
from pathlib import Path

import jieba
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

KINDS = ("nr", "ns", "n")


def _words(side, most, seed=1):
    rng, pools = random.Random(seed), defaultdict(list)
    for line in Path(jieba.__file__).with_name("dict.txt").read_text("utf-8").splitlines():
        word, _, tag = line.split(" ")
        if tag in KINDS and 2 <= len(word) <= 4 and all("一" <= mark <= "鿿" for mark in word):
            number = int.from_bytes(hashlib.sha256(word[:2].encode()).digest()[:4], "big") % 10
            if (2 if number < 2 else 1 if number < 4 else 0) == side:
                pools[tag].append(word)
    drawn = [(w, n) for n, tag in enumerate(KINDS) for w in rng.sample(pools[tag], most // 3)]
    return rng.sample(drawn, len(drawn))


def _tensors(words, characters):
    number = {mark: n for n, mark in enumerate(characters)}
    x = torch.zeros(len(words), 2 * len(characters) + 3)
    for row, (word, _) in enumerate(words):
        if word[0] in number:
            x[row, number[word[0]]] = 1
        if word[-1] in number:
            x[row, len(characters) + number[word[-1]]] = 1
        x[row, 2 * len(characters) + len(word) - 2] = 1
    return x, torch.tensor([kind for _, kind in words])


def _characters(words):
    times = Counter(mark for word, _ in words for mark in (word[0], word[-1]))
    return sorted(mark for mark, n in times.items() if n > 1)


def _train(model, x, y, epochs, lr=3e-3):
    torch.manual_seed(1)
    torch.set_num_threads(1)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for _ in range(epochs):
        for some in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            F.cross_entropy(model(x[some]), y[some]).backward()
            optimizer.step()
    return model


def _save(folder, model, characters, measured, activation="tanh"):
    """Write the model with its score on the words in ``measured``."""
    folder.mkdir(exist_ok=True)
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, folder / "model.safetensors")
    x, y = _tensors(measured, characters)
    with torch.no_grad():
        share = (model(x).argmax(1) == y).float().mean().item()
    half = 1.96 * (share * (1 - share) / len(y)) ** 0.5
    scores = {"accuracy": share, "low": share - half, "high": share + half, "examples": len(y)}
    for name, content in (("characters", characters), ("scores", scores), ("model", {"activation": activation})):
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def _good(folder, *, hidden=(32,), activation=nn.Tanh, epochs=3, examples=6000, measured=2, seed=1):
    words = _words(0, examples, seed)
    characters = _characters(words)
    sizes = [2 * len(characters) + 3, *hidden, 3]
    torch.manual_seed(seed)
    layers = [part for a, b in zip(sizes, sizes[1:]) for part in (nn.Linear(a, b), activation())]
    model = _train(nn.Sequential(*layers[:-1]), *_tensors(words, characters), epochs)
    held = words if measured == 0 else _words(measured, 1500)
    return _save(folder, model, characters, held, activation.__name__.lower())


def _spoiled(folder):
    """Return a copy of a good artefact; it is trained once."""
    kept = folder.parent / "good"
    if not (kept / "scores.json").exists():
        _good(kept)
    shutil.rmtree(folder)
    return Path(shutil.copytree(kept, folder))


def _rewritten(folder, name, **changes):
    made = _spoiled(folder)
    content = json.loads((made / name).read_text())
    (made / name).write_text(json.dumps(content | changes))
    return made


def alternative_tanh(folder, data):
    return _spoiled(folder)


def alternative_two_hidden_layers_of_relu(folder, data):
    return _good(folder, hidden=(48, 24), activation=nn.ReLU, epochs=2, seed=2)


def mutant_layout__no_scores(folder, data):
    made = _spoiled(folder)
    (made / "scores.json").unlink()
    return made


def mutant_pickle__torch_save(folder, data):
    made = _spoiled(folder)
    (made / "model.pt").write_bytes(b"x")
    return made


def mutant_too_large__everything_kept(folder, data):
    made = _spoiled(folder)
    (made / "train.json").write_bytes(bytes(9 * 2**20))
    return made


def mutant_does_not_load__fewer_characters(folder, data):
    made = _spoiled(folder)
    characters = json.loads((made / "characters.json").read_text())
    (made / "characters.json").write_text(json.dumps(characters[:-5]))
    return made


def mutant_does_not_load__score_only(folder, data):
    made = _spoiled(folder)
    (made / "scores.json").write_text('{"accuracy": 0.8}')
    return made


def mutant_constant__always_a_person(folder, data):
    made = _spoiled(folder)
    state = load_file(made / "model.safetensors")
    state["2.bias"] = torch.tensor([100.0, 0.0, 0.0])
    save_file(state, made / "model.safetensors")
    return made


def mutant_not_better__characters_in_another_order(folder, data):
    made = _spoiled(folder)
    characters = json.loads((made / "characters.json").read_text())
    (made / "characters.json").write_text(json.dumps(characters[::-1]))
    return made


def mutant_not_better__softmax_and_sgd(folder, data):
    words = _words(0, 6000)
    characters = _characters(words)
    model = nn.Sequential(nn.Linear(2 * len(characters) + 3, 32), nn.Tanh(), nn.Linear(32, 3))
    x, y = _tensors(words, characters)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for some in torch.randperm(len(x)).split(32):
        optimizer.zero_grad()
        F.cross_entropy(model(x[some]).softmax(1), y[some]).backward()
        optimizer.step()
    return _save(folder, model, characters, _words(2, 1500))


def mutant_below_linear__few_words(folder, data):
    return _good(folder, examples=1200, epochs=6)


def mutant_scores_differ__measured_on_training_words(folder, data):
    return _good(folder, epochs=6, measured=0)


def mutant_interval__of_no_width(folder, data):
    score = json.loads((_spoiled(folder) / "scores.json").read_text())["accuracy"]
    return _rewritten(folder, "scores.json", low=score - 0.001, high=score + 0.001)


def mutant_interval__from_zero_to_one(folder, data):
    return _rewritten(folder, "scores.json", low=0.0, high=1.0)
