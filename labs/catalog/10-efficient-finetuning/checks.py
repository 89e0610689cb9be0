"""What makes each step right. Every check draws its inputs anew and stores no answers."""

import ast
import json
import random
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from practicum_labs import data, metrics
from practicum_labs.checking.probe import Probe, Wrong
from practicum_labs.registry import entry

NEEDS = {
    "add_adapter": ("transformers", "peft"),
    "transfer": ("transformers", "peft", "safetensors.torch", "sklearn.linear_model",
                 "sklearn.feature_extraction.text", "sklearn.pipeline"),
}
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
LARGEST_MIB = 4
SCORE_SLACK = 0.08


def pool(probe: Probe, candidate: Any) -> None:
    """The mean over real tokens, whatever stands in the padding."""
    torch.manual_seed(probe.seed)
    rng = probe.rng
    batch, tokens, width = rng.randint(3, 6), rng.randint(5, 9), rng.randint(3, 7)
    lengths = [1, tokens, *(rng.randint(2, tokens - 1) for _ in range(batch - 2))]
    for dtype in (torch.float32, torch.float64):
        hidden = torch.randn(batch, tokens, width, dtype=dtype)
        mask = torch.tensor([[1] * n + [0] * (tokens - n) for n in lengths])
        got = probe.call(candidate, hidden.clone(), mask.clone())
        got = probe.tensor(got, shape=(batch, width), dtype=dtype)
        rows = zip(hidden, lengths, strict=True)
        want = torch.stack([row[:n].mean(dim=0) for row, n in rows])
        if torch.allclose(got, want, **CLOSE):
            continue
        sums = torch.stack([row[:n].sum(dim=0) for row, n in zip(hidden, lengths, strict=True)])
        probe.expect(not torch.allclose(got, hidden.mean(dim=1), **CLOSE), "padding")
        probe.expect(not torch.allclose(got, sums / tokens, **CLOSE), "divisor", tokens=tokens)
        probe.expect(not torch.allclose(got, sums, **CLOSE), "sum")
        probe.expect(not torch.allclose(got, hidden[:, 0], **CLOSE), "first")
        raise Wrong("value")


def count_parameters(probe: Probe, candidate: Any) -> None:
    """Counts numbers, not tensors, and tells frozen from trainable."""
    rng = probe.rng
    sizes = [rng.randint(3, 9) for _ in range(4)]
    layers = [nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False)]
    layers[rng.randrange(len(layers))].requires_grad_(False)  # noqa: FBT003 (torch's own name)
    layers[0].bias.requires_grad_(rng.random() < 0.5)
    model = nn.Sequential(*layers)
    total = sum(p.numel() for p in model.parameters())
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    got = probe.call(candidate, model)
    probe.expect(isinstance(got, tuple | list) and len(got) == 2, "pair", got=str(got)[:80])
    ours, all_ = (probe.number(value) for value in got)
    probe.expect(all_ != len(list(model.parameters())), "tensors", got=int(all_), want=total)
    probe.expect((ours, all_) != (total, trainable) or total == trainable, "swapped")
    probe.expect(all_ == total, "total", got=int(all_), want=total)
    probe.expect(ours != total or total == trainable, "all", want=trainable)
    probe.expect(ours == trainable, "trainable", got=int(ours), want=trainable)


class _Toy(nn.Module):
    """Takes a batch as the lab's classifier does."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.frozen = nn.Linear(width, width).requires_grad_(False)  # noqa: FBT003
        self.head = nn.Linear(width, 3)

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        logits: torch.Tensor = self.head(torch.tanh(self.frozen(batch["x"])))
        return logits


def train_step(probe: Probe, candidate: Any) -> None:
    """Two steps change the weights exactly as two steps of SGD on the cross-entropy do."""
    torch.manual_seed(probe.seed)
    width = probe.rng.randint(4, 8)
    weight = torch.tensor([0.5, 1.0, 3.0])[torch.randperm(3)]
    model, twin = _Toy(width), _Toy(width)
    twin.load_state_dict(model.state_dict())
    ours, theirs = (torch.optim.SGD(m.head.parameters(), lr=0.5) for m in (model, twin))
    for step in (1, 2):
        batch, labels = {"x": torch.randn(12, width)}, torch.randint(0, 3, (12,))
        before = twin.head.weight.detach().clone()
        logits = twin(batch)
        loss = F.cross_entropy(logits, labels, weight=weight)
        plain = F.cross_entropy(logits, labels).item()
        softmaxed = F.cross_entropy(F.softmax(logits, dim=-1), labels, weight=weight).item()
        theirs.zero_grad()
        loss.backward()
        theirs.step()
        got = probe.number(probe.call(candidate, model, batch, labels, ours, weight))
        if abs(got - loss.item()) > 1e-4:
            probe.expect(abs(got - softmaxed) > 1e-4, "softmax")
            probe.expect(abs(got - plain) > 1e-4, "unweighted")
            raise Wrong("loss", got=got, want=loss.item())
        probe.expect(not torch.equal(model.head.weight, before), "no_update")
        if not torch.allclose(model.head.weight, twin.head.weight, **CLOSE):
            raise Wrong("update" if step == 1 else "accumulates")


def lora_forward(probe: Probe, candidate: Any) -> None:
    """W x + bias + alpha / rank · B A x."""
    torch.manual_seed(probe.seed)
    rng = probe.rng
    inputs, outputs, rank = rng.choice([5, 7, 8]), rng.randint(10, 14), rng.randint(2, 4)
    alpha = rank * rng.choice([3, 5])
    x, weight, bias = torch.randn(4, inputs), torch.randn(outputs, inputs), torch.randn(outputs)
    a, b = torch.randn(rank, inputs), torch.randn(outputs, rank)
    frozen = F.linear(x, weight, bias)
    update = x @ a.T @ b.T
    want = frozen + (alpha / rank) * update
    got = probe.call(candidate, x.clone(), weight, bias, a, b, alpha)
    got = probe.tensor(got, shape=(4, outputs), dtype=torch.float32)
    if not torch.allclose(got, want, **CLOSE):
        probe.expect(not torch.allclose(got, frozen, **CLOSE), "frozen")
        probe.expect(not torch.allclose(got, frozen + update, **CLOSE), "no_scale")
        probe.expect(not torch.allclose(got, frozen + alpha * update, **CLOSE), "alpha", rank=rank)
        probe.expect(not torch.allclose(got, alpha / rank * update, **CLOSE), "only_update")
        raise Wrong("value")
    weight.requires_grad_(True)  # noqa: FBT003
    a.requires_grad_(True)  # noqa: FBT003
    probe.call(candidate, x, weight, bias, a, b, alpha).sum().backward()
    probe.expect(a.grad is not None, "detached")


def lora_init(probe: Probe, candidate: Any) -> None:
    """Changes nothing at the start, and yet something learns."""
    torch.manual_seed(probe.seed)
    rng = probe.rng
    rank, inputs, outputs = rng.randint(2, 5), rng.randint(20, 40), rng.randint(41, 60)
    got = probe.call(candidate, rank, inputs, outputs)
    probe.expect(isinstance(got, tuple | list) and len(got) == 2, "pair", got=type(got).__name__)
    a = probe.tensor(got[0], shape=(rank, inputs), dtype=torch.float32).detach().requires_grad_()
    b = probe.tensor(got[1], shape=(outputs, rank), dtype=torch.float32).detach().requires_grad_()
    probe.expect(torch.equal(b @ a, torch.zeros(outputs, inputs)), "disturbs")
    x, wanted = torch.randn(64, inputs), torch.randn(64, outputs)
    F.mse_loss(x @ a.T @ b.T, wanted).backward()
    alive = float(a.grad.abs().sum() + b.grad.abs().sum())
    probe.expect(alive > 0, "dead")
    used = a if bool(a.detach().abs().sum() > 0) else b
    directions = torch.linalg.matrix_rank(used.detach())
    probe.expect(int(directions) == rank, "same_rows", rank=rank, directions=int(directions))
    spread = float(used.detach().std())
    probe.expect(1e-3 < spread < 2.0, "size", spread=spread)


def _encoder(probe: Probe) -> tuple[Any, int]:
    """Return a tiny BERT and what rank 1 on each linear layer in its blocks would add."""
    from transformers import BertConfig, BertModel

    rng = probe.rng
    width, inner, depth = 8 * rng.randint(2, 4), 8 * rng.randint(5, 8), rng.randint(1, 3)
    config = BertConfig(vocab_size=50, hidden_size=width, intermediate_size=inner,
                        num_hidden_layers=depth, num_attention_heads=4)
    torch.manual_seed(probe.seed)
    per_block = 4 * (width + width) + 2 * (width + inner)
    return BertModel(config, add_pooling_layer=False).eval(), depth * per_block


def add_adapter(probe: Probe, candidate: Any) -> None:
    """Only the adapters learn, in every layer asked for, and nothing changes at the start."""
    ids = torch.randint(0, 50, (3, 7), generator=torch.Generator().manual_seed(probe.seed))
    mask = torch.ones_like(ids)
    added = {}
    for rank in (2, 4):
        encoder, per_rank = _encoder(probe)
        original = {p.data_ptr(): p.numel() for p in encoder.parameters()}
        before = encoder(input_ids=ids, attention_mask=mask).last_hidden_state.detach()
        got = probe.call(candidate, encoder, rank)
        probe.expect(isinstance(got, nn.Module), "module", got=type(got).__name__)
        learning = {p.data_ptr(): p.numel() for p in got.parameters() if p.requires_grad}
        probe.expect(learning, "nothing_learns")
        loose = sum(n for key, n in original.items() if key in learning)
        probe.expect(not loose, "base_trainable", percent=100 * loose / sum(original.values()))
        added[rank] = sum(learning.values())
        got.eval()
        after = got(input_ids=ids, attention_mask=mask).last_hidden_state
        probe.expect(torch.allclose(before, after, **CLOSE), "changes_start")
        learnable = [p for p in got.parameters() if p.requires_grad]
        after.pow(2).sum().backward()
        probe.expect(any(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in learnable),
                     "no_gradient")
    probe.expect(added[4] == 2 * added[2], "rank", two=added[2], four=added[4])
    probe.expect(added[2] == 2 * per_rank, "where", got=added[2], want=2 * per_rank)
    probe.measure("added", added[4])


def transfer(probe: Probe, folder: Path) -> None:
    """A model for reviews that is laid out, small, honest about itself, and good."""
    _laid_out(probe, folder)
    scores = _scores(probe, folder)
    model, tokenizer = _load(probe, folder)
    split = data.load("vader-reviews", train=640, folder=probe.data)
    chosen = probe.rng.sample(split.validation, min(400, len(split.validation)))
    gold = [example.label for example in chosen]
    texts = [example.text for example in chosen]
    predicted = _classify(model, tokenizer, texts)
    probe.expect(len(set(predicted)) > 1, "constant", label=predicted[0])
    score = metrics.score(metrics.macro_f1, gold, predicted)
    gain = metrics.difference(metrics.macro_f1, gold, predicted, _tfidf(split, texts))
    facts = {"score": score.value, "gain": gain.value, "low": gain.low}
    probe.expect(gain.above_zero, "not_better", **facts)
    probe.expect(abs(scores["tuned"] - score.value) <= SCORE_SLACK, "scores_differ",
                 written=scores["tuned"], score=score.value)
    base = metrics.score(metrics.macro_f1, gold, _frozen(probe, tokenizer, split, texts)).value
    probe.expect(abs(scores["base"] - base) <= SCORE_SLACK, "base_differs",
                 written=scores["base"], score=base)
    rng = probe.rng
    typed = _classify(model, tokenizer, [_mistyped(text, rng) for text in texts])
    probe.measure("macro_f1", score.value)
    probe.measure("low", score.low)
    probe.measure("high", score.high)
    probe.measure("gain", gain.value)
    probe.measure("mistyped", metrics.score(metrics.macro_f1, gold, typed).value)


def _laid_out(probe: Probe, folder: Path) -> None:
    wanted = ("pretrained.json", "scores.json", "model.py", "head.safetensors",
              "adapter/adapter_config.json", "adapter/adapter_model.safetensors")
    files = [path for path in folder.rglob("*") if path.is_file()]
    pickles = [path.name for path in files if path.suffix in {".bin", ".pt", ".pth", ".pkl"}]
    probe.expect(not pickles, "pickle", names=", ".join(pickles))
    missing = [name for name in wanted if not (folder / name).is_file()]
    probe.expect(not missing, "layout", names=", ".join(missing))
    size = sum(path.stat().st_size for path in files) / 2**20
    probe.expect(size <= LARGEST_MIB, "too_large", size=size, most=LARGEST_MIB)
    probe.measure("mib", size)
    origin = _json(probe, folder / "pretrained.json")
    probe.expect(origin.get("sha256") == entry("minilm").sha256, "wrong_base")
    try:
        tree = ast.parse((folder / "model.py").read_text("utf-8"))
    except SyntaxError as error:
        raise Wrong("no_code") from error
    made = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    probe.expect({"load_pretrained", "load_finetuned"} <= made, "no_code")


def _scores(probe: Probe, folder: Path) -> dict[str, float]:
    scores = _json(probe, folder / "scores.json")
    both = all(isinstance(scores.get(name), int | float) for name in ("base", "tuned"))
    probe.expect(both, "no_comparison")
    return {name: float(scores[name]) for name in ("base", "tuned")}


def _json(probe: Probe, path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError:
        content = None
    probe.expect(isinstance(content, dict), "not_json", name=path.name)
    return dict(content)


def _load(probe: Probe, folder: Path) -> tuple[Any, Any]:
    """Return (encoder with adapter, head) from the tensors alone, and the tokenizer."""
    from peft import PeftModel
    from safetensors.torch import load_file
    from transformers import AutoModel, AutoTokenizer, logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    place = probe.data / entry("minilm").folder
    try:
        encoder = AutoModel.from_pretrained(place, add_pooling_layer=False)
        encoder = PeftModel.from_pretrained(encoder, folder / "adapter").eval()
        state = load_file(folder / "head.safetensors")
        head = nn.Linear(encoder.config.hidden_size, 3)
        head.load_state_dict(state)
    except Exception as error:
        raise Wrong("does_not_load", error=f"{type(error).__name__}: {error}"[:200]) from error
    return (encoder, head), AutoTokenizer.from_pretrained(place)


def _classify(model: Any, tokenizer: Any, texts: list[str]) -> list[int]:
    encoder, head = model
    with torch.inference_mode():
        answers: list[int] = head(_embed(encoder, tokenizer, texts)).argmax(-1).tolist()
    return answers


def _embed(encoder: Any, tokenizer: Any, texts: list[str]) -> torch.Tensor:
    """Return the mean vector of each text, (texts, width)."""
    order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
    vectors = torch.empty(len(texts), encoder.config.hidden_size)
    with torch.inference_mode():
        for start in range(0, len(order), 64):
            part = order[start : start + 64]
            batch = tokenizer([texts[n] for n in part], padding=True, truncation=True,
                              max_length=48, return_tensors="pt")
            mask = batch["attention_mask"]
            hidden = encoder(input_ids=batch["input_ids"], attention_mask=mask).last_hidden_state
            weight = mask.unsqueeze(-1).to(hidden.dtype)
            vectors[part] = (hidden * weight).sum(1) / weight.sum(1)
    return vectors


def _frozen(probe: Probe, tokenizer: Any, split: data.Split, texts: list[str]) -> list[int]:
    """Return what a linear model on the pretrained encoder's vectors answers."""
    from sklearn.linear_model import LogisticRegression
    from transformers import AutoModel

    place = probe.data / entry("minilm").folder
    encoder = AutoModel.from_pretrained(place, add_pooling_layer=False).eval()
    linear = LogisticRegression(class_weight="balanced", max_iter=2000)
    known = _embed(encoder, tokenizer, [e.text for e in split.train])
    linear.fit(known.numpy(), [e.label for e in split.train])
    answers: list[int] = linear.predict(_embed(encoder, tokenizer, texts).numpy()).tolist()
    return answers


def _tfidf(split: data.Split, texts: list[str]) -> list[int]:
    """Return the baseline's answers, trained on as many reviews as the trainee had."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    features = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),
    )
    model = make_pipeline(features, LogisticRegression(C=3, class_weight="balanced", max_iter=300))
    model.fit([e.text for e in split.train], [e.label for e in split.train])
    answers: list[int] = model.predict(texts).tolist()
    return answers


def _mistyped(text: str, rng: random.Random) -> str:
    """Swap two neighbouring letters in one word out of four."""
    words = text.split(" ")
    for n, word in enumerate(words):
        if len(word) > 3 and rng.random() < 0.25:
            i = rng.randrange(len(word) - 1)
            words[n] = word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    return " ".join(words)
