"""Artefacts: each function makes one in ``folder`` and returns it."""

import json
import shutil
from collections import Counter

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F
from transformers import AutoModel, AutoTokenizer, logging

from practicum_labs import data, metrics
from practicum_labs.registry import entry

logging.set_verbosity_error()
logging.disable_progress_bar()


def _vectors(place):
    """Return (vectors, labels) of the 800 reviews to train and to validate on."""
    path = place / entry("minilm").folder
    tokenizer = AutoTokenizer.from_pretrained(path)
    encoder = AutoModel.from_pretrained(path, add_pooling_layer=False).eval()
    examples = data.load("vader-reviews", train=800, folder=place).train
    parts = []
    with torch.inference_mode():
        for example in examples:
            batch = tokenizer(example.text, truncation=True, max_length=48, return_tensors="pt")
            parts.append(encoder(batch["input_ids"], batch["attention_mask"]).last_hidden_state.mean(1))
    return torch.cat(parts).clone(), torch.tensor([example.label for example in examples])


def _train(x, y, seed, *, lr, decay, width=64, epochs=20):
    torch.manual_seed(seed)
    mean, scale = x[:400].mean(0), x[:400].std(0)
    net = nn.Sequential(nn.Linear(384, width), nn.ReLU(), nn.Dropout(0.3), nn.Linear(width, 3))
    optimizer = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=decay)
    weight = 400 / (3 * torch.bincount(y[:400], minlength=3))
    scores = []
    for _ in range(epochs):
        net.train()
        for part in torch.randperm(400).split(32):
            optimizer.zero_grad()
            F.cross_entropy(net((x[part] - mean) / scale), y[part], weight=weight).backward()
            optimizer.step()
        with torch.no_grad():
            found = net.eval()((x[400:] - mean) / scale).argmax(1)
        scores.append(metrics.macro_f1(Counter(zip(y[400:].tolist(), found.tolist(), strict=True))))
    names = {"w1": net[0].weight, "b1": net[0].bias, "w2": net[3].weight, "b2": net[3].bias}
    head = {name: tensor.detach().clone() for name, tensor in names.items()}
    epochs = next(n for n, score in enumerate(scores, 1) if score >= 0.98 * scores[-1])
    return {**head, "mean": mean, "scale": scale}, scores[-1], epochs


def _sweep(folder, place, **settings):
    """Train six settings on two seeds and lay out the one that the rule names."""
    x, y = _vectors(place)
    runs, heads = [], {}
    for lr in (0.0003, 0.001, 0.003):
        for decay in (0.1, 1.0):
            for seed in (0, 1):
                name = f"lr {lr} decay {decay}"
                heads[name, seed], score, epochs = _train(x, y, seed, lr=lr, decay=decay, **settings)
                runs.append({"setting": name, "seed": seed, "validation": score, "epochs": epochs})
    return _save(folder, heads, runs)


def _save(folder, heads, runs):
    names = sorted({run["setting"] for run in runs})
    mean = {name: [sum(run[key] for run in runs if run["setting"] == name) / 2 for key in ("validation", "epochs")]
            for name in names}
    best = max(score for score, _ in mean.values())
    chosen = min((epochs, name) for name, (score, epochs) in mean.items() if score >= best - 0.01)[1]
    save_file(heads[chosen, 0], folder / "head.safetensors")
    (folder / "runs.json").write_text(json.dumps({"runs": runs, "chosen": chosen, "seed": 0}))
    return folder


def _spoiled(folder, place):
    """Train once; most mutants spoil a good artefact in one way."""
    good = folder.parent / "good"
    if not good.exists():
        good.mkdir()
        _sweep(good, place)
    shutil.copytree(good, folder, dirs_exist_ok=True)
    return folder


def _rewritten(folder, place, change):
    made = _spoiled(folder, place)
    content = json.loads((made / "runs.json").read_text())
    change(content)
    (made / "runs.json").write_text(json.dumps(content))
    return made


def alternative_adamw(folder, place):
    return _spoiled(folder, place)


def alternative_wider_and_shorter(folder, place):
    return _sweep(folder, place, width=256, epochs=10)


def mutant_layout__no_runs(folder, place):
    made = _spoiled(folder, place)
    (made / "runs.json").unlink()
    return made


def mutant_no_runs__a_list(folder, place):
    made = _spoiled(folder, place)
    (made / "runs.json").write_text("[]")
    return made


def mutant_small_sweep__one_seed(folder, place):
    return _rewritten(folder, place, lambda content: content.update(runs=content["runs"][::2]))


def mutant_other_choice__not_by_the_rule(folder, place):
    def change(content):
        content["chosen"] = next(run["setting"] for run in content["runs"] if run["setting"] != content["chosen"])

    return _rewritten(folder, place, change)


def mutant_no_such_run__another_seed(folder, place):
    return _rewritten(folder, place, lambda content: content.update(seed=7))


def mutant_scores_differ__all_a_little_better(folder, place):
    def change(content):
        for run in content["runs"]:
            run["validation"] += 0.1

    return _rewritten(folder, place, change)


def mutant_does_not_load__no_tensors(folder, place):
    made = _spoiled(folder, place)
    (made / "head.safetensors").write_bytes(b"head")
    return made


def mutant_tensors__without_mean_and_scale(folder, place):
    made = _spoiled(folder, place)
    save_file({"w1": torch.zeros(8, 384), "w2": torch.zeros(3, 8)}, made / "head.safetensors")
    return made


def _fake(folder, place, first, second):
    """Lay out a head that was never trained, with an honest score of its own."""
    x, y = _vectors(place)
    head = {"w1": first, "b1": torch.zeros(8), "w2": second, "b2": torch.zeros(3),
            "mean": x[:400].mean(0), "scale": x[:400].std(0)}
    hidden = F.relu(F.linear((x[400:] - head["mean"]) / head["scale"], first))
    found = F.linear(hidden, second).argmax(1)
    score = metrics.macro_f1(Counter(zip(y[400:].tolist(), found.tolist(), strict=True)))
    runs = [{"setting": f"lr {n}", "seed": seed, "validation": score, "epochs": 1} for n in range(4) for seed in (0, 1)]
    return _save(folder, {(f"lr {n}", 0): head for n in range(4)}, runs)


def mutant_constant__says_one_thing(folder, place):
    return _fake(folder, place, torch.zeros(8, 384), torch.zeros(3, 8))


def mutant_not_better__never_trained(folder, place):
    torch.manual_seed(0)
    return _fake(folder, place, torch.randn(8, 384), torch.randn(3, 8))
