"""What the proofs of the three artefacts share: models that fit in seconds, and how they are kept."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.linear_model import LogisticRegression
from transformers import AutoModel, AutoTokenizer, logging

from practicum_labs import metrics
from practicum_labs.registry import entry

logging.set_verbosity_error()
logging.disable_progress_bar()
TEMPLATES = {
    "neutral": ["{} sits in the garden.", "I met {} at work.", "{} has a blue coat.", "A letter for {}."],
    "negative": ["{} is sad.", "I am angry with {}.", "{} had an awful week.", "{} lost the bag."],
    "positive": ["{} is happy.", "I like {}.", "{} had a lovely week.", "{} won a prize."],
}


class Reader:
    """MiniLM; vectors of its last block, as pretrained or with a little noise added."""

    def __init__(self, place, noise=0.0):
        torch.manual_seed(0)
        path = place / entry("minilm").folder
        self.tokenizer = AutoTokenizer.from_pretrained(path)
        self.encoder = AutoModel.from_pretrained(path, add_pooling_layer=False).eval()
        self.block = self.encoder.encoder.layer[-1]
        with torch.no_grad():
            for parameter in self.block.parameters():
                parameter.add_(noise * parameter.std() * torch.randn_like(parameter))

    def vectors(self, texts):
        parts = []
        with torch.inference_mode():
            for n in range(0, len(texts), 50):
                batch = self.tokenizer(texts[n : n + 50], padding=True, truncation=True,
                                       max_length=48, return_tensors="pt")
                hidden = self.encoder(**batch).last_hidden_state
                mask = batch["attention_mask"][..., None].float()
                parts.append((hidden * mask).sum(1) / mask.sum(1))
        return torch.cat(parts).numpy()

    def fit(self, examples):
        """Return a linear layer for three classes on this reader's vectors."""
        linear = LogisticRegression(C=0.3, class_weight="balanced", max_iter=500)
        return linear.fit(self.vectors([e.text for e in examples]), [e.label for e in examples])

    def save(self, path, linear):
        state = {f"block.{name}": value.clone() for name, value in self.block.state_dict().items()}
        state["head.weight"] = torch.tensor(linear.coef_, dtype=torch.float32).contiguous()
        state["head.bias"] = torch.tensor(linear.intercept_, dtype=torch.float32)
        save_file(state, path)

    def gaps(self, linear, pairs):
        found = linear.predict_proba(self.vectors([text for pair in pairs for text in pair]))
        score = found[:, 2] - found[:, 0]
        return np.abs(score[::2] - score[1::2])


def rows_of(terms, templates=TEMPLATES):
    """Return {template, kind, first, second} for each template and pair of terms."""
    return [
        {"template": t, "kind": kind, "first": _filled(t, a), "second": _filled(t, b)}
        for kind, group in templates.items() for t in group for a, b in terms
    ]


def _filled(template, term):
    text = template.format(term)
    return text[0].upper() + text[1:]


def interval(gaps, rows):
    """Return {gap, low, high} by template."""
    found = metrics.bootstrap(
        lambda n: float(gaps[list(n)].mean()), len(gaps), groups=[row["template"] for row in rows]
    )
    return {"gap": found.value, "low": found.low, "high": found.high}


def side_of(text):
    return hashlib.sha256(text.encode()).digest()[0] % 4


def once(folder, name, make):
    """Return a copy in ``folder`` of the artefact ``name`` that ``make`` builds the first time."""
    kept = folder.parent / name
    if not kept.exists():
        making = kept.with_suffix(".making")
        making.mkdir()
        make(making)
        making.rename(kept)
    shutil.rmtree(folder, ignore_errors=True)
    return Path(shutil.copytree(kept, folder))


def edit(path, change):
    """Change a JSON file: ``change`` gets its content, and alters it in place or returns a new one."""
    content = json.loads(path.read_text())
    new = change(content)
    path.write_text(json.dumps(content if new is None else new))
    return path
