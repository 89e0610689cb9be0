# %% [markdown] intro
# %% setup
import json
import math
import random
import time
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save, save_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.pipeline import make_union
from torch import nn
from torch.nn import functional as F
from transformers import AutoModel, AutoTokenizer, logging

from practicum_labs import data, memory, metrics, models, track
from practicum_labs.checking.capture import module_of
from practicum_labs.lab import open_lab
from practicum_labs.tier import use_threads

warnings.filterwarnings("ignore", category=FutureWarning)
lab = open_lab("lora", language="en")
lab.style()
logging.set_verbosity_error()
logging.disable_progress_bar()

SEED = 0
device = torch.device(lab.tier.device)
print(lab.say("ready", tier=lab.tier.name, device=device, threads=use_threads(), torch=torch.__version__))
# %% [markdown] data
# %% data
tweets = data.load(
    "vader-tweets", train=lab.tier.examples(640), validation=lab.tier.examples(400), seed=SEED
)
gold = [example.label for example in tweets.validation]

pd.set_option("display.max_colwidth", 110)
shown = [(tweets.classes[e.label], e.text) for e in tweets.train[:8]]
display(pd.DataFrame(shown, columns=[lab.say("class"), lab.say("text")]))
for name, side in (("train", tweets.train), ("validation", tweets.validation)):
    counts = [sum(e.label == c for e in side) for c in range(3)]
    print(f"{name}: {len(side)}", dict(zip(tweets.classes, counts, strict=True)))
# %% [markdown] baseline
# %% baseline
def tfidf_baseline(split):
    """Predict the validation side from words and letters alone, C tuned on the training side."""
    features = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),
    )
    x = features.fit_transform([e.text for e in split.train])
    y = [e.label for e in split.train]
    model = LogisticRegressionCV(
        Cs=[1, 3, 10], cv=3, class_weight="balanced", scoring="f1_macro", max_iter=300
    ).fit(x, y)
    return model.predict(features.transform([e.text for e in split.validation])).tolist()


commonest = max(range(3), key=[example.label for example in tweets.train].count)
predictions = {"majority": [commonest] * len(gold), "TF-IDF": tfidf_baseline(tweets)}
for name, predicted in predictions.items():
    print(f"{name:10} macro-F1 {metrics.score(metrics.macro_f1, gold, predicted)}"
          f"   accuracy {metrics.score(metrics.accuracy, gold, predicted)}")
# %% [markdown] pool
# %% pool graded=pool
def pool(hidden, mask):
    """Average the token vectors of each text and leave the padding out.

    hidden: (batch, tokens, width), floating point
    mask:   (batch, tokens), 1 for a token and 0 for padding
    Returns (batch, width) in hidden's dtype.
    """
    weight = mask.unsqueeze(-1).to(hidden.dtype)  # (batch, tokens, 1)
    # >>>
    return (hidden * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)
    # <<<
# %% pool-check
lab.check("pool", pool)
# %% [markdown] solution pool-reading
# %% [markdown] model
# %% model
class Classifier(nn.Module):
    """An encoder, the mean of its token vectors, and a linear layer on top."""

    def __init__(self, encoder, classes=3):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.config.hidden_size, classes)

    def embed(self, batch):
        hidden = self.encoder(**batch).last_hidden_state
        return pool(hidden, batch["attention_mask"])

    def forward(self, batch):
        return self.head(self.embed(batch))


def batches(examples, tokenizer, device, size=16, rng=None):
    """Yield (numbers of the examples, batch, labels); texts of like length together."""
    order = list(range(len(examples)))
    if rng:
        rng.shuffle(order)
    chunks = [
        sorted(order[i : i + 16 * size], key=lambda n: len(examples[n].text))
        for i in range(0, len(order), 16 * size)
    ]
    parts = [chunk[i : i + size] for chunk in chunks for i in range(0, len(chunk), size)]
    if rng:
        rng.shuffle(parts)
    for numbers in parts:
        texts = [examples[n].text for n in numbers]
        batch = tokenizer(texts, padding=True, truncation=True, max_length=48, return_tensors="pt")
        batch = {key: batch[key].to(device) for key in ("input_ids", "attention_mask")}
        yield numbers, batch, torch.tensor([examples[n].label for n in numbers], device=device)


def classify(model, tokenizer, examples, device):
    """Return the class the model gives to each example, in order."""
    model.eval()
    answers = [0] * len(examples)
    with torch.inference_mode():
        for numbers, batch, _ in batches(examples, tokenizer, device, size=64):
            for n, answer in zip(numbers, model(batch).argmax(dim=-1).tolist(), strict=True):
                answers[n] = answer
    return answers


def new_model():
    """Return MiniLM as it was pretrained, under a head that knows nothing yet."""
    torch.manual_seed(SEED)
    encoder = AutoModel.from_pretrained(models.path("minilm"), add_pooling_layer=False)
    return Classifier(encoder).to(device)


tokenizer = AutoTokenizer.from_pretrained(models.path("minilm"))
print(tokenizer.tokenize(tweets.train[0].text))
# %% [markdown] base
# %% base
def embeddings(model, tokenizer, examples, device):
    """Return one vector an example, in order."""
    model.eval()
    rows = [None] * len(examples)
    with torch.inference_mode():
        for numbers, batch, _ in batches(examples, tokenizer, device, size=64):
            for n, row in zip(numbers, model.embed(batch).cpu(), strict=True):
                rows[n] = row
    return torch.stack(rows).numpy()


def linear_probe(model, tokenizer, split, device):
    """Predict the validation side with a linear model on the frozen encoder's vectors."""
    probe = LogisticRegression(class_weight="balanced", max_iter=2000)
    probe.fit(embeddings(model, tokenizer, split.train, device), [e.label for e in split.train])
    return probe.predict(embeddings(model, tokenizer, split.validation, device)).tolist()


predictions["base"] = linear_probe(new_model(), tokenizer, tweets, device)
before = metrics.score(metrics.macro_f1, gold, predictions["base"])
print(f"base (frozen) macro-F1 {before}")
# %% [markdown] count_parameters
# %% count_parameters graded=count_parameters
def count_parameters(model):
    """Return (trainable, total): how many numbers training may change, and how many there are."""
    # >>>
    total = sum(p.numel() for p in model.parameters())
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return trainable, total
    # <<<
# %% count_parameters-check
lab.check("count_parameters", count_parameters)
# %% [markdown] train_step
# %% train_step graded=train_step
def train_step(model, batch, labels, optimizer, weight):
    """Take one step of training and return its loss as a float.

    model(batch) gives logits (batch, classes)
    labels: (batch,), the numbers of the classes   weight: (classes,), how much each class counts
    """
    # >>>
    optimizer.zero_grad()
    loss = F.cross_entropy(model(batch), labels, weight=weight)
    loss.backward()
    optimizer.step()
    return loss.item()
    # <<<
# %% train_step-check
lab.check("train_step", train_step)
# %% [markdown] solution train_step-reading
# %% [markdown] fine_tune
# %% fine_tune
def class_weight(examples, device, classes=3):
    """Return weights that let every class count alike, however rare it is."""
    counts = torch.bincount(torch.tensor([e.label for e in examples]), minlength=classes)
    return (len(examples) / (classes * counts.clamp(min=1))).to(device)


def fine_tune(model, tokenizer, split, device, *, name, lr, before, epochs=2, size=16):
    """Train the model, report every step, and return what it cost and what it brought."""
    trainable, total = count_parameters(model)
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=lr, fused=True)
    steps = epochs * math.ceil(len(split.train) / size)
    schedule = torch.optim.lr_scheduler.LambdaLR(  # up over a tenth of the steps, then down
        optimizer, lambda step: min(1.0, (step + 1) / (0.1 * steps)) * (1 - step / steps)
    )
    labels_here = [e.label for e in split.validation]
    weight = class_weight(split.train, device)
    rng = random.Random(SEED)
    torch.manual_seed(SEED)
    config = {"method": name, "lr": lr, "epochs": epochs, "batch": size, "seed": SEED,
              "train": len(split.train), "trainable": trainable, "total": total}
    with track.init(lab="lora", name=name, config=config) as run:
        run.log({"base_macro_f1": before}, step=0)
        seconds, cpu, step, saved = time.perf_counter(), time.process_time(), 0, 0
        for epoch in range(epochs):
            model.train()
            for _, batch, labels in batches(split.train, tokenizer, device, size, rng):
                with memory.SavedForBackward(model, watch=step < 8) as graph:
                    loss = train_step(model, batch, labels, optimizer, weight)
                schedule.step()
                step += 1
                saved = max(saved, graph.bytes)
                run.log({"loss": loss, "lr": schedule.get_last_lr()[0]}, step=step)
            predicted = classify(model, tokenizer, split.validation, device)
            score = metrics.score(metrics.macro_f1, labels_here, predicted)
            run.log({"macro_f1": score.value, "epoch": epoch + 1}, step=step)
        held = memory.held_by_training(model, optimizer)
        cost = {
            "base_macro_f1": before,
            "macro_f1": score.value,
            "trainable_percent": 100 * trainable / total,
            "training_mib": (held + saved) / 2**20,
            "held_mib": held / 2**20,
            "saved_mib": saved / 2**20,
            "seconds": time.perf_counter() - seconds,
            "cpu_seconds": time.process_time() - cpu,
        }
        run.log(cost, step=step)
        run.finish(cost)
    return {"method": name, "run": run, "predicted": predicted, "score": score,
            "trainable": trainable, **cost}
# %% [markdown] predict_full
# %% predict_full
lab.predict("full_f1", ..., ...)
# %% [markdown] full
# %% full
results = {}
full_model = new_model()
results["full"] = fine_tune(
    full_model, tokenizer, tweets, device, name="full", lr=2e-4, before=before.value
)
predictions["full"] = results["full"]["predicted"]
print("full macro-F1", results["full"]["score"])
lab.reveal("full_f1", results["full"]["macro_f1"])
# %% [markdown] lora_forward
# %% lora_forward graded=lora_forward
def lora_forward(x, weight, bias, a, b, alpha):
    """Return what a linear layer with a LoRA adapter makes of x.

    x: (batch, inputs)   weight: (outputs, inputs), frozen   bias: (outputs,), frozen
    a: (rank, inputs)    b: (outputs, rank)                  alpha: a number
    Returns (batch, outputs).
    """
    frozen = F.linear(x, weight, bias)
    # >>>
    rank = a.shape[0]
    return frozen + (alpha / rank) * F.linear(F.linear(x, a), b)
    # <<<
# %% lora_forward-check
lab.check("lora_forward", lora_forward)
# %% [markdown] solution lora_forward-reading
# %% [markdown] dead
# %% dead
def dead_init(rank, inputs, outputs):
    """An adapter that changes nothing at the start. So far, so good."""
    return torch.zeros(rank, inputs), torch.zeros(outputs, rank)


def adapt_one_layer(init, steps=200):
    """Teach a frozen layer a small change by an adapter; return losses and first gradients."""
    generator = torch.Generator().manual_seed(SEED)
    weight = torch.randn(24, 32, generator=generator) / 32**0.5
    change = torch.outer(torch.randn(24, generator=generator), torch.randn(32, generator=generator))
    x = torch.randn(256, 32, generator=generator)
    wanted = F.linear(x, weight + 0.05 * change)
    a, b = (matrix.clone().requires_grad_() for matrix in init(4, 32, 24))
    optimizer = torch.optim.AdamW([a, b], lr=1e-2)
    losses, first = [], None
    for _ in range(steps):
        loss = F.mse_loss(lora_forward(x, weight, torch.zeros(24), a, b, alpha=8), wanted)
        optimizer.zero_grad()
        loss.backward()
        first = first or (a.grad.norm().item(), b.grad.norm().item())
        optimizer.step()
        losses.append(loss.item())
    return losses, first


losses, (grad_a, grad_b) = adapt_one_layer(dead_init)
print(lab.say("dead", first=losses[0], last=losses[-1], grad_a=grad_a, grad_b=grad_b))
# %% [markdown] lora_init
# %% lora_init graded=lora_init
def lora_init(rank, inputs, outputs):
    """Return a (rank, inputs) and b (outputs, rank) to begin an adapter with."""
    # >>>
    a = torch.randn(rank, inputs) / math.sqrt(inputs)
    b = torch.zeros(outputs, rank)
    return a, b
    # <<<
# %% lora_init-check
lab.check("lora_init", lora_init)
# %% alive
alive, (grad_a, grad_b) = adapt_one_layer(lora_init)
print(lab.say("dead", first=alive[0], last=alive[-1], grad_a=grad_a, grad_b=grad_b))
plt.figure(figsize=(6, 2.6))
plt.semilogy(losses, label="dead_init")
plt.semilogy(alive, label="lora_init")
plt.xlabel(lab.say("step"))
plt.ylabel(lab.say("loss"))
plt.legend()
plt.show()
# %% [markdown] solution lora_init-reading
# %% [markdown] add_adapter
# %% add_adapter graded=add_adapter
def add_adapter(encoder, rank):
    """Freeze the encoder and give each linear layer in its blocks an adapter of this rank.

    The layers are called query, key, value and dense; alpha is twice the rank.
    Returns the encoder with its adapters.
    """
    # >>>
    config = LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules=["query", "key", "value", "dense"]
    )
    return get_peft_model(encoder, config)
    # <<<
# %% add_adapter-check
lab.check("add_adapter", add_adapter)
# %% [markdown] solution add_adapter-reading
# %% [markdown] predict_lora
# %% predict_lora
lab.predict("lora_percent", ..., ...)
lab.predict("lora_minus_full", ..., ...)
# %% [markdown] lora
# %% lora
RANK = 8
lora_model = new_model()
lora_model.encoder = add_adapter(lora_model.encoder, RANK)
results["LoRA"] = fine_tune(
    lora_model, tokenizer, tweets, device, name=f"LoRA rank {RANK}", lr=2e-3, before=before.value
)
predictions["LoRA"] = results["LoRA"]["predicted"]
print("LoRA macro-F1", results["LoRA"]["score"])
lab.reveal("lora_percent", results["LoRA"]["trainable_percent"])
lab.reveal("lora_minus_full", results["LoRA"]["macro_f1"] - results["full"]["macro_f1"])
# %% [markdown] compare
# %% compare
def size_mib(model):
    """Return the size of the file that keeps what training changed."""
    kept = {name: p.detach().cpu().contiguous() for name, p in model.named_parameters() if p.requires_grad}
    return len(save(kept)) / 2**20


sizes = {"full": size_mib(full_model), "LoRA": size_mib(lora_model)}
rows = []
for name in ("majority", "TF-IDF", "base", "full", "LoRA"):
    cost = results.get(name)
    rows.append({
        "": name,
        "macro-F1": str(metrics.score(metrics.macro_f1, gold, predictions[name])),
        "accuracy": f"{metrics.score(metrics.accuracy, gold, predictions[name]).value:.3f}",
        lab.say("trainable"): f"{cost['trainable']:,} ({cost['trainable_percent']:.2f} %)" if cost else "",
        lab.say("held"): f"{cost['held_mib']:.0f}" if cost else "",
        lab.say("saved"): f"{cost['saved_mib']:.0f}" if cost else "",
        lab.say("cpu_seconds"): f"{cost['cpu_seconds']:.0f}" if cost else "",
        lab.say("gpu_hours"): f"{cost['seconds'] / 3600:.4f}" if cost and device.type == "cuda" else "",
        lab.say("file"): f"{sizes[name]:.1f}" if cost else "",
    })
display(pd.DataFrame(rows).set_index(""))
for ours, theirs in (("LoRA", "base"), ("full", "base"), ("LoRA", "full"), ("LoRA", "TF-IDF")):
    gain = metrics.difference(metrics.macro_f1, gold, predictions[ours], predictions[theirs])
    verdict = lab.say("clear") if gain.low > 0 or gain.high < 0 else lab.say("unclear")
    print(f"{ours} − {theirs}: {gain}  {verdict}")
# %% curves
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3))
for name, result in results.items():
    steps, values = zip(*result["run"].history("loss"), strict=True)
    smooth = pd.Series(values).ewm(span=15).mean()
    left.plot(steps, smooth, label=name)
    right.plot(*zip(*result["run"].history("macro_f1"), strict=True), marker="o", label=name)
right.axhline(before.value, linestyle="--", color="grey", label="base")
left.set(xlabel=lab.say("step"), ylabel=lab.say("loss"), title=lab.say("training"))
right.set(xlabel=lab.say("step"), ylabel="macro-F1", title=lab.say("validation"))
right.legend()
figure.tight_layout()
plt.show()
# %% errors
wrong = [
    (tweets.classes[e.label], tweets.classes[a], tweets.classes[b], e.text)
    for e, a, b in zip(tweets.validation, predictions["full"], predictions["LoRA"], strict=True)
    if e.label not in {a, b}
]
display(pd.DataFrame(wrong[:6], columns=[lab.say("class"), "full", "LoRA", lab.say("text")]))
# %% [markdown] repository
# %% repository
def load_pretrained():
    """Return the model as it was before fine-tuning, and its tokenizer."""
    encoder = AutoModel.from_pretrained(models.path("minilm"), add_pooling_layer=False)
    return Classifier(encoder), AutoTokenizer.from_pretrained(models.path("minilm"))


def load_finetuned(folder):
    """Return the fine-tuned model in folder, and its tokenizer."""
    model, tokenizer = load_pretrained()
    model.encoder = PeftModel.from_pretrained(model.encoder, Path(folder) / "adapter")
    model.head.load_state_dict(load_file(Path(folder) / "head.safetensors"))
    return model.eval(), tokenizer


def save_model(folder, model, scores):
    """Lay out a fine-tuned model so that someone else can load, judge and repeat it."""
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    model.encoder.save_pretrained(folder / "adapter")
    head = {name: tensor.cpu() for name, tensor in model.head.state_dict().items()}
    save_file(head, folder / "head.safetensors")
    origin = {"model": "minilm", "sha256": data.loaded()["minilm"]}
    (folder / "pretrained.json").write_text(json.dumps(origin, indent=1))
    (folder / "scores.json").write_text(json.dumps(scores, indent=1))
    (folder / "model.py").write_text(module_of(load_pretrained, load_finetuned))


save_model("tweet-model", lora_model, {
    "metric": "macro_f1", "base": before.value, "tuned": results["LoRA"]["macro_f1"],
})
again, _ = load_finetuned("tweet-model")
same = classify(again.to(device), tokenizer, tweets.validation[:64], device) == predictions["LoRA"][:64]
for path in sorted(Path("tweet-model").rglob("*")):
    print(f"{path.stat().st_size / 1024:9.1f} KiB  {path}" if path.is_file() else f"{'':15}{path}/")
print(lab.say("loaded_again", same=same))
# %% [markdown] transfer
# %% transfer graded=transfer
# >>>
#| # Your code. At the end, review-model/ is laid out as tweet-model/ is.
reviews = data.load(
    "vader-reviews", train=lab.tier.examples(640), validation=lab.tier.examples(400), seed=SEED
)
review_gold = [example.label for example in reviews.validation]
base_predicted = linear_probe(new_model(), tokenizer, reviews, device)
review_model = new_model()
review_model.encoder = add_adapter(review_model.encoder, RANK)
base_score = metrics.score(metrics.macro_f1, review_gold, base_predicted)
tuned = fine_tune(
    review_model, tokenizer, reviews, device, name="LoRA on reviews", lr=2e-3, before=base_score.value
)
print("base", base_score, "tuned", tuned["score"])
save_model("review-model", review_model, {
    "metric": "macro_f1", "base": base_score.value, "tuned": tuned["macro_f1"],
})
# <<<
# %% transfer-check
lab.check("transfer", "review-model")
# %% [markdown] solution transfer-reading
# %% [markdown] calibration
# %% calibration
lab.calibration()
# %% [markdown] quiz
# %% quiz
lab.quiz()
# %% answers
lab.answer("memory", ...)
lab.answer("zeros", ...)
lab.answer("merge", ...)
lab.answer("choose", ...)
# %% [markdown] further
