# %% [markdown] intro
# %% setup
import bisect
import heapq
import json
import math
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import Future, ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from scipy import stats
from torch.nn import functional as F
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    logging,
)

from practicum_labs import data, metrics, models, track
from practicum_labs.checking.capture import module_of
from practicum_labs.lab import open_lab

lab = open_lab("serving", language="en")
lab.style()
logging.set_verbosity_error()
logging.disable_progress_bar()

SEED = 0
TINY = lab.tier.name == "tiny"
LAYERS = {"S": 2, "M": 6} if TINY else {"S": 6, "M": 30}  # of thirty; L is computed in section 10
SIZE = "S" if TINY else "M"
TOKENS = 4 if TINY else 12  # of a reply
torch.set_num_threads(1)
print(lab.say("ready", tier=lab.tier.name, size=SIZE, layers=LAYERS[SIZE], torch=torch.__version__))
# %% [markdown] model
# %% model
def load_model(folder, layers, dtype=torch.float32):
    """Return SmolLM2's first so many layers, and its tokenizer."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, num_hidden_layers=layers)
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    return model.eval(), tokenizer


def encode(tokenizer, texts):
    """Return (ids, mask) of the chats that ask for a reply to each text, padded on the left."""
    order = {"role": "system", "content": "You answer customers in one friendly sentence."}
    chats = [[order, {"role": "user", "content": text}] for text in texts]
    made = tokenizer.apply_chat_template(
        chats, add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True
    )
    return made["input_ids"], made["attention_mask"]


def decode(tokenizer, rows):
    """Return the text of each row of tokens, up to the mark that ends a reply."""
    texts = tokenizer.batch_decode(rows)
    return [text.split(tokenizer.eos_token)[0].strip() for text in texts]


folder = str(models.path("smollm2"))
model, tokenizer = load_model(folder, LAYERS[SIZE])
reviews = [e.text for e in data.load("vader-reviews", train=64, validation=0).train]
ids, mask = encode(tokenizer, reviews[:3])
print(f"{sum(p.numel() for p in model.parameters()):,}", ids.shape, mask[:, :8].tolist())
for text in reviews[:5]:
    print("-", text[:110])
# %% [markdown] slow
# %% slow
class Positions:
    """Counts the positions that go through the model while it is open."""

    def __init__(self, model):
        self.model, self.count = model, 0

    def __enter__(self):
        def add(module, inputs):
            self.count += inputs[0].numel()

        self.hook = self.model.get_input_embeddings().register_forward_pre_hook(add)
        self.began = time.process_time()
        return self

    def __exit__(self, *error):
        self.seconds = time.process_time() - self.began
        self.hook.remove()


@torch.inference_mode()
def generate_slowly(model, ids, mask, steps):
    """Return the most likely next tokens; every step reads everything again."""
    start = ids.shape[1]
    for _ in range(steps):
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False, logits_to_keep=1).logits
        ids = torch.cat([ids, logits[:, -1].argmax(dim=-1, keepdim=True)], dim=1)
        mask = F.pad(mask, (0, 1), value=1)
    return ids[:, start:]


with Positions(model) as slow:
    slowly = generate_slowly(model, ids[:1], mask[:1], TOKENS)
print(lab.say("positions", count=slow.count, seconds=slow.seconds))
# %% [markdown] generate
# %% predict_cache
lab.predict("times_fewer_positions", ..., ...)
# %% generate graded=generate
@torch.inference_mode()
def generate(model, ids, mask, steps):
    """Return the most likely next tokens (batch, steps), with each position computed once.

    ids:  (batch, tokens), padded on the left      mask: like ids, 1 for a token, 0 for padding
    model(input_ids=..., attention_mask=..., past_key_values=..., use_cache=True) returns .logits
    of the ids given and .past_key_values; the mask covers the past and the ids given.
    """
    new, past, given = [], None, ids
    for _ in range(steps):
        # >>>
        out = model(input_ids=given, attention_mask=mask, past_key_values=past, use_cache=True,
                    logits_to_keep=1)
        past, given = out.past_key_values, out.logits[:, -1].argmax(dim=-1, keepdim=True)
        mask = F.pad(mask, (0, 1), value=1)
        new.append(given)
        # <<<
    return torch.cat(new, dim=1)
# %% generate-check
lab.check("generate", generate)
# %% [markdown] solution generate-reading
# %% cached
with Positions(model) as fast:
    quickly = generate(model, ids[:1], mask[:1], TOKENS)
assert torch.equal(quickly, slowly)
print(lab.say("positions", count=fast.count, seconds=fast.seconds))
lab.reveal("times_fewer_positions", slow.count / fast.count)
active = sum(p.numel() for p in model.parameters())
print(lab.say("flops", slow=2 * active * slow.count / 1e9, fast=2 * active * fast.count / 1e9))
replies = decode(tokenizer, generate(model, ids, mask, 2 * TOKENS))
for text, reply in zip(reviews, replies, strict=False):
    print(f"> {text[:90]}\n  {reply}")
# %% [markdown] batching
# %% predict_batching
lab.predict("times_more_tokens", ..., ...)
# %% batching
def pace(model, tokenizer, texts, tokens, sizes=(1, 2, 4, 8)):
    """Return {batch size: CPU seconds of the batch}, the better of two runs."""
    seconds = {}
    for size in sizes:
        ids, mask = encode(tokenizer, texts[:size])
        runs = []
        for _ in range(2 if size < 4 else 1):
            began = time.process_time()
            generate(model, ids, mask, tokens)
            runs.append(time.process_time() - began)
        seconds[size] = min(runs)
    return seconds


same_length = sorted(reviews, key=len)[28:36]
paces = {SIZE: pace(model, tokenizer, same_length, TOKENS)}
config = {"size": SIZE, "tokens": TOKENS, "seed": SEED}
with track.init(lab="serving", name=f"batches {SIZE}", config=config) as run:
    for size, seconds in paces[SIZE].items():
        run.log({"seconds": seconds, "tokens_per_second": size * TOKENS / seconds}, step=size)
    run.finish({"tokens_per_second": size * TOKENS / seconds})
rows = {n: {lab.say("seconds"): s, lab.say("tokens_per_second"): n * TOKENS / s}
        for n, s in paces[SIZE].items()}
display(pd.DataFrame(rows).T.round(2).rename_axis(lab.say("batch")))
lab.reveal("times_more_tokens", 8 * paces[SIZE][1] / paces[SIZE][8])
# %% [markdown] quantize
# %% quantize graded=quantize
def quantize(weight, bits):
    """Return (levels, scale) with weight ≈ levels * scale, as exact as so many bits allow.

    weight: (outputs, inputs)   bits: 2 to 8
    levels: int8, like weight, whole numbers from -(2**(bits-1) - 1) to 2**(bits-1) - 1
    scale:  (outputs, 1), one a row: its largest absolute value falls on the largest level
    """
    # >>>
    largest = 2 ** (bits - 1) - 1
    scale = weight.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / largest
    return torch.round(weight / scale).to(torch.int8), scale
    # <<<
# %% quantize-check
lab.check("quantize", quantize)
# %% [markdown] solution quantize-reading
# %% [markdown] agreement
# %% predict_agreement
lab.predict("agreement_int8", ..., ...)
# %% agreement
@torch.inference_mode()
def next_tokens(model, tokenizer, texts):
    """Return the token the model would write after each position of each text."""
    return [model(**tokenizer(text, return_tensors="pt")).logits[0].argmax(dim=-1) for text in texts]


def agrees(model):
    """Return for each position whether the next token is the one of the exact model."""
    pairs = zip(next_tokens(model, tokenizer, texts), exact, strict=True)
    return torch.cat([a == b for a, b in pairs]).float().numpy()


def over_texts(values):
    """Return the mean with its interval; positions of one text are drawn together."""
    return metrics.bootstrap(lambda chosen: float(values[chosen].mean()), len(values), groups=groups)


@torch.no_grad()
def in_few_bits(model, weights, bits):
    """Put rounded weights into the model's blocks; return the largest error, in steps."""
    worst = 0.0
    for name, parameter in model.model.layers.named_parameters():
        if parameter.ndim == 2:
            levels, scale = quantize(weights[name], bits)
            parameter.copy_(levels * scale)
            worst = max(worst, ((parameter - weights[name]).abs() / scale).max().item())
    return worst


texts = sorted(reviews, key=len)[-6 if TINY else -24 : -4]  # without the longest
exact = next_tokens(model, tokenizer, texts)
groups = [n for n, row in enumerate(exact) for _ in row]
half, _ = load_model(folder, LAYERS[SIZE], torch.bfloat16)
same = {"bfloat16": agrees(half)}
half_seconds = pace(half, tokenizer, same_length, TOKENS, sizes=(1,))[1]
del half
weights = {name: p.detach().clone() for name, p in model.model.layers.named_parameters()}
worst = {}
for bits in (8, 4):
    worst[f"int{bits}"] = in_few_bits(model, weights, bits)
    same[f"int{bits}"] = agrees(model)
model.model.layers.load_state_dict(weights)
del weights
blocks = sum(p.numel() for p in model.model.layers.parameters())
for name, bits in (("bfloat16", 16), ("int8", 8), ("int4", 4)):
    share = over_texts(same[name])
    print(lab.say("bits", name=name, mib=blocks * bits / 8 / 2**20, same=share,
                  worst=worst.get(name, 0.0)))
    config = {"size": SIZE, "bits": bits, "seed": SEED}
    with track.init(lab="serving", name=f"bits {name}", config=config) as run:
        run.log({"agreement": share.value}, step=0)
        run.finish({"agreement": share.value})
for one, other in (("int8", "bfloat16"), ("int4", "int8")):
    print(f"{one} − {other}: {over_texts(same[one] - same[other])}")
print(lab.say("half", half=half_seconds, single=paces[SIZE][1]))
lab.reveal("agreement_int8", float(same["int8"].mean()))
# %% [markdown] tail
# %% tail graded=tail
def tail(replicas, share):
    """Return (value, low, high): the percentile of all requests, with its 95 % interval.

    replicas: for each replica, the seconds its requests took      share: 0.95 for p95
    value: the smallest time that at least this share of all n requests did not exceed
    low, high: the times of rank a and b + 1 in ascending order (the fastest has rank 1), where
    [a, b] holds a Binomial(n, share) with 95 %: stats.binom.interval(0.95, n, share). Rank 0 counts
    as 1; a rank beyond n means that there are too few requests to tell: infinity.
    """
    # >>>
    times = sorted(t for replica in replicas for t in replica)
    n = len(times)
    a, b = stats.binom.interval(0.95, n, share)
    value = times[math.ceil(share * n - 1e-9) - 1]
    return value, times[max(int(a), 1) - 1], times[int(b)] if b < n else math.inf
    # <<<
# %% tail-check
lab.check("tail", tail)
# %% [markdown] solution tail-reading
# %% tails
def milliseconds(found):
    """Return a percentile with its interval as text."""
    return "{:.0f} [{:.0f}, {:.0f}] ms".format(*(1000 * t for t in found))


rng = np.random.default_rng(SEED)
fine, slow_one = rng.gamma(4, 0.05, 950).tolist(), rng.gamma(4, 0.4, 50).tolist()
mean_of_two = np.mean([tail([fine], 0.95)[0], tail([slow_one], 0.95)[0]])
pooled = milliseconds(tail([fine, slow_one], 0.95))
print(lab.say("mean_of_p95", mean=1000 * mean_of_two, pooled=pooled))
print("n = 20 ", milliseconds(tail([fine[:20]], 0.95)))
# %% [markdown] colleague
# %% predict_closed
lab.predict("p95_under_load", ..., ...)
# %% colleague
def colleagues_test(schedule, seconds):
    """Send the requests one after the other, at their times if possible, and time each reply."""
    now, took = 0.0, []
    for planned in schedule:
        now = max(now, planned)
        sent = now
        now = sent + seconds  # the reply is back
        took.append(now - sent)
    return took


def poisson(rate, count, seed):
    """Return the times of so many requests that come independently, `rate` a second."""
    rng = random.Random(seed)
    times, now = [], 0.0
    for _ in range(count):
        now += rng.expovariate(rate)
        times.append(now)
    return times


alone = paces[SIZE][1]
schedule = poisson(1.2 / alone, 400, SEED)  # 20 % more than one replica can do
closed = tail([colleagues_test(schedule, alone)], 0.95)
print(lab.say("closed", p95=milliseconds(closed), rate=1.2 / alone, most=1 / alone))
# %% [markdown] run_queue
# %% run_queue graded=run_queue
def run_queue(arrivals, batch_seconds, window, most, replicas):
    """Return the latency of each request, from its arrival to the end of its batch.

    arrivals: ascending seconds at which requests come, whatever the service is doing
    batch_seconds(n): how long a batch of n takes
    The oldest waiting requests form the next batch, `most` at most. It leaves as soon as it is
    full or its oldest request has waited `window` seconds, but not before a replica is free; it
    takes all that have arrived by then. It goes to the replica that is free first.
    """
    free, latencies = [0.0] * replicas, []
    while len(latencies) < len(arrivals):
        first = len(latencies)  # the oldest that waits
        # >>>
        full = arrivals[first + most - 1] if first + most <= len(arrivals) else math.inf
        leaves = max(heapq.heappop(free), min(arrivals[first] + window, full))
        last = min(bisect.bisect_right(arrivals, leaves), first + most)
        done = leaves + batch_seconds(last - first)
        heapq.heappush(free, done)
        latencies += [done - arrival for arrival in arrivals[first:last]]
        # <<<
    return latencies
# %% run_queue-check
lab.check("run_queue", run_queue)
# %% [markdown] solution run_queue-reading
# %% opened
opened = run_queue(schedule, lambda n: alone, 0, 1, 1)
print(lab.say("open", p95=milliseconds(tail([opened], 0.95))))
lab.reveal("p95_under_load", tail([opened], 0.95)[0] / closed[0])
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 2.8))
left.plot(schedule, opened, label=lab.say("open_loop"))
left.plot(schedule, colleagues_test(schedule, alone), label=lab.say("closed_loop"))
left.set(xlabel=lab.say("arrival"), ylabel=lab.say("latency"))
left.legend()
loads = np.array([0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9])
waits = [run_queue(poisson(load, 20000, SEED), lambda n: 1.0, 0, 1, 1) for load in loads]
for share in (0.5, 0.95):
    right.plot(loads, [tail([wait], share)[0] for wait in waits], "o-", label=f"p{100 * share:.0f}")
right.plot(loads, [np.mean(wait) for wait in waits], "s", color="grey", label=lab.say("mean"))
right.plot(loads, 1 + loads / (2 * (1 - loads)), "--", color="grey", label=lab.say("formula"))
right.set(xlabel=lab.say("utilisation"), ylabel=lab.say("times_service"))
right.legend()
figure.tight_layout()
plt.show()
# %% [markdown] window
# %% window
def interpolated(seconds):
    """Return batch_seconds(n), a straight line between the measured sizes."""
    sizes, costs = zip(*sorted(seconds.items()), strict=True)
    return lambda n: float(np.interp(n, sizes, costs))


batch_seconds = interpolated(paces[SIZE])
rows = []
for load in (0.3, 0.9, 3.0):
    arrivals = poisson(load / alone, 3000, SEED)
    for most, window in ((1, 0.0), (8, 0.0), (8, 0.5), (8, 2.0)):  # windows of so many replies
        took = run_queue(arrivals, batch_seconds, window * alone, most, 1)
        p50, p95 = (tail([took], share)[0] / alone for share in (0.5, 0.95))
        rows.append((load, most, window, p50, p95))
columns = [*map(lab.say, ("load", "most", "window")), "p50", "p95"]
display(pd.DataFrame(rows, columns=columns).round(1))
# %% [markdown] respond
# %% respond graded=respond
def respond(method, path, body, state):
    """Return (status, headers, content) of one HTTP request; headers and content are dicts.

    state: "phase" is "starting", "ready" or "draining"; "beat": seconds since the worker last
    came round; "waiting": requests in the queue; "room": how many it holds; "seconds": what
    one request takes at present
    GET  /healthz   200; 503 when beat > 30
    GET  /readyz    200 in phase "ready" while there is room; 503 otherwise
    POST /v1/reply  body: bytes of JSON {"text": str, "tokens": int = 12}
                    413 for more than 4096 bytes; 400 when it is no JSON object, text is no text
                    or blank, or tokens is no whole number from 1 to 32
                    503 in another phase than "ready", 429 when the queue is full, both with
                    "Retry-After": the whole seconds, at least 1, until the queue is worked off
                    200 and {"text": text, "tokens": tokens}: it may join the queue
    404 for any other path; 405 with "Allow" for another method on these three
    """
    allowed = {"/healthz": "GET", "/readyz": "GET", "/v1/reply": "POST"}
    if path not in allowed:
        return 404, {}, {"error": "no such path"}
    if method != allowed[path]:
        return 405, {"Allow": allowed[path]}, {"error": f"use {allowed[path]}"}
    ready, room = state["phase"] == "ready", state["waiting"] < state["room"]
    # >>>
    if path == "/healthz":
        return (200 if state["beat"] <= 30 else 503), {}, {"beat": state["beat"]}
    if path == "/readyz":
        about = {"phase": state["phase"], "waiting": state["waiting"]}
        return (200 if ready and room else 503), {}, about
    if len(body) > 4096:
        return 413, {}, {"error": "more than 4096 bytes"}
    try:
        asked = json.loads(body)
        text, tokens = asked["text"], asked.get("tokens", 12)
    except (ValueError, TypeError, KeyError):
        return 400, {}, {"error": 'send a JSON object with "text"'}
    if not isinstance(text, str) or not text.strip():
        return 400, {}, {"error": "text: a text that is not blank"}
    if type(tokens) is not int or not 1 <= tokens <= 32:
        return 400, {}, {"error": "tokens: 1 to 32"}
    if not (ready and room):
        later = {"Retry-After": str(max(1, math.ceil(state["waiting"] * state["seconds"])))}
        return (429 if ready else 503), later, {"error": "full" if ready else state["phase"]}
    return 200, {}, {"text": text, "tokens": tokens}
    # <<<
# %% respond-check
lab.check("respond", respond)
# %% [markdown] solution respond-reading
# %% [markdown] server
# %% server
class Batcher:
    """Gathers requests within a window and answers each batch at once."""

    def __init__(self, window, most, room):
        self.window, self.most, self.room = window, most, room
        self.waiting, self.door = queue.Queue(), threading.Lock()
        self.phase, self.seen, self.seconds = "starting", time.monotonic(), 1.0

    def state(self):
        beat = 0.0 if self.phase == "starting" else time.monotonic() - self.seen
        return {"phase": self.phase, "beat": beat, "waiting": self.waiting.qsize(),
                "room": self.room, "seconds": self.seconds}

    def enter(self, method, path, body):
        """Decide on one request, and let it into the queue if it is a good one."""
        with self.door:  # two threads must not take the last place both
            status, headers, content = respond(method, path, body, self.state())
            if method != "POST" or status != 200:
                return status, headers, content
            place = Future()
            self.waiting.put((content, place))
        return status, headers, place.result(timeout=120)

    def gather(self):
        """Return the next batch, or nothing when nobody came for a while."""
        try:
            batch = [self.waiting.get(timeout=0.2)]
        except queue.Empty:
            return []
        until = time.monotonic() + self.window
        while len(batch) < self.most:
            try:
                batch.append(self.waiting.get(timeout=max(0.0, until - time.monotonic())))
            except queue.Empty:
                break
        return batch

    def work(self, answer):
        """Answer batch after batch, until draining and nobody waits any more."""
        while self.phase != "draining" or self.waiting.qsize():
            self.seen = time.monotonic()
            if batch := self.gather():
                try:
                    replies = answer([request for request, _ in batch])
                except Exception as error:  # nobody may wait for ever; then end, to be restarted
                    for _, place in batch:
                        place.set_exception(error)
                    raise
                for (_, place), reply in zip(batch, replies, strict=True):
                    place.set_result({"reply": reply, "batch": len(batch)})
                self.seconds = (time.monotonic() - self.seen) / len(batch)


def handler_for(batcher):
    """Return the class that turns HTTP into calls of the batcher."""

    class Handler(BaseHTTPRequestHandler):
        def _reply(self):
            size = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(min(size, 2**16))  # too long is seen long before
            status, headers, content = batcher.enter(self.command, self.path, body)
            data = json.dumps(content).encode()
            self.send_response(status)
            ours = {"Content-Type": "application/json", "Content-Length": str(len(data))}
            for name, value in {**headers, **ours}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _reply

        def log_message(self, *args):
            """Keep quiet."""

    return Handler


def main(folder, layers, window, most, room):
    """Serve the model in folder on a free port of this machine alone, until SIGTERM."""
    batcher = Batcher(float(window), int(most), int(room))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(batcher), bind_and_activate=False)
    server.request_queue_size = 128  # with its default of 5, some of many were reset
    server.daemon_threads = False  # closing waits until every reply is written
    server.server_bind()
    server.server_activate()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: setattr(batcher, "phase", "draining"))
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    model, tokenizer = load_model(folder, int(layers))

    def answer(requests):
        ids, mask = encode(tokenizer, [request["text"] for request in requests])
        rows = generate(model, ids, mask, max(request["tokens"] for request in requests))
        asked = zip(rows, requests, strict=True)
        return decode(tokenizer, [row[: request["tokens"]] for row, request in asked])

    answer([{"text": "warm up", "tokens": 2}])
    if batcher.phase == "starting":
        batcher.phase = "ready"
    batcher.work(answer)
    server.shutdown()
    server.server_close()


run_it = "\n\nif __name__ == '__main__':\n    import sys\n\n    main(*sys.argv[1:])\n"
Path("serve.py").write_text(module_of(main) + run_it, "utf-8")
# %% deploy
def call(address, path, content=None):
    """Return (status, headers, content) of one HTTP call."""
    body = None if content is None else json.dumps(content).encode()
    try:
        got = urllib.request.urlopen(urllib.request.Request(address + path, body), timeout=120)
    except urllib.error.HTTPError as error:
        got = error
    with got:
        return got.status, dict(got.headers), json.load(got)


def start(*arguments):
    """Start serve.py as a process of its own; return it with its address."""
    command = [sys.executable, "serve.py", *map(str, arguments)]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
    return process, f"http://127.0.0.1:{int(process.stdout.readline())}"


def look(phase):
    """Print what both probes say."""
    print(phase, *(f"{path} {call(address, path)[0]}" for path in ("/healthz", "/readyz")))


def ask(text, tokens=TOKENS):
    """Send one request and return what came."""
    return call(address, "/v1/reply", {"text": text, "tokens": tokens})


if "process" in globals():
    process.kill()  # this cell was run before
process, address = start(folder, LAYERS[SIZE], 0.1, 4, 8)
look("starting")
print("/v1/reply", *ask(reviews[0])[::2])
while call(address, "/readyz")[0] != 200 and process.poll() is None:
    time.sleep(0.2)
look("ready")
print("/v1/reply", *ask(reviews[1])[::2])
for wrong in ("", " ", "a" * 5000):
    print("/v1/reply", *ask(wrong)[::2])
# %% load
def open_loop(schedule, texts):
    """Send each text at its moment, whoever still waits; return replies and latencies."""
    began = time.perf_counter()

    def at(moment, text):
        time.sleep(max(0.0, began + moment - time.perf_counter()))
        return ask(text), time.perf_counter() - began - moment

    with ThreadPoolExecutor(len(schedule)) as pool:
        return list(zip(*pool.map(at, schedule, texts), strict=True))


schedule = poisson(1.3 / alone, 4 if TINY else 16, SEED)  # too much for one at a time
came, took = open_loop(schedule, reviews)
answered = [seconds for one, seconds in zip(came, took, strict=True) if one[0] == 200]
speed = len(answered) * TOKENS / (np.add(schedule, took).max() - schedule[0])
p50, p95 = (tail([answered], share) for share in (0.5, 0.95))
config = {"size": SIZE, "requests": len(came), "seed": SEED}
with track.init(lab="serving", name=f"endpoint {SIZE}", config=config) as run:
    summary = {"p50_ms": 1000 * p50[0], "p95_ms": 1000 * p95[0], "tokens_per_second": speed}
    run.log(summary, step=len(answered))
    run.finish(summary)
print(lab.say("endpoint", n=len(answered), of=len(came), p50=milliseconds(p50),
              p95=milliseconds(p95), speed=speed))
for most in (4, 1):
    virtual = run_queue(schedule, batch_seconds, 0.1, most, 1)
    p50, p95 = (1000 * tail([virtual], share)[0] for share in (0.5, 0.95))
    print(lab.say("virtual", most=most, p50=p50, p95=p95))
print(lab.say("batches"), [one[2].get("batch") for one in came])

with ThreadPoolExecutor(16) as pool:  # room is 8
    flood = list(pool.map(ask, reviews[:16]))
    statuses = [one[0] for one in flood]
    print(lab.say("flood"), {status: statuses.count(status) for status in sorted(set(statuses))},
          *{f"Retry-After {one[1]['Retry-After']}" for one in flood if "Retry-After" in one[1]})
    last = [pool.submit(ask, text, 32 if TINY else TOKENS) for text in reviews[:6]]
    time.sleep(0.4)  # all six are inside: four are being answered, two wait
    process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    look("draining")
    print("/v1/reply", *ask(reviews[5])[::2])
    answered = sum(one.result()[0] == 200 for one in last)
    print(lab.say("drained", answered=answered, of=len(last), code=process.wait()))
# %% [markdown] cost
# %% cost graded=cost
def cost(tokens_per_second, tokens, per_day, peak, price, upkeep):
    """Return {"replicas", "day", "thousand"}: how many run, and what a day and 1000 replies cost.

    tokens_per_second: of one replica, busy all the time      tokens: of one reply
    per_day: requests a day       peak: the busiest hour over the average hour, 1 or more
    price: of one replica for an hour     upkeep: what maintenance costs a day, whatever the load
    In the busiest hour replicas are busy 70 % of the time at most. They run day and night, one
    at least.
    """
    # >>>
    busiest = per_day / 86400 * peak
    replicas = max(1, math.ceil(busiest * tokens / (0.7 * tokens_per_second)))
    day = replicas * 24 * price + upkeep
    return {"replicas": replicas, "day": day, "thousand": 1000 * day / per_day}
    # <<<
# %% cost-check
lab.check("cost", cost)
# %% [markdown] solution cost-reading
# %% sizes
CORE_HOUR, GIB_HOUR, ENGINEER_HOUR = 0.30, 0.03, 200.0  # yuan: put in your own
WEEKLY_JOB, WEEKLY_CARE = 10, 0.5  # hours of a replica for re-tuning, hours of an engineer
LARGE = {"num_hidden_layers": 24, "hidden_size": 2048, "intermediate_size": 8192,
         "num_attention_heads": 32}


def parameters_of(**changes):
    """Return how many parameters a model of SmolLM2's kind would have, without making it."""
    with torch.device("meta"):
        made = LlamaForCausalLM(LlamaConfig(vocab_size=49152, tie_word_embeddings=True, **changes))
    return sum(p.numel() for p in made.parameters())


parameters = {SIZE: active, "L": parameters_of(**LARGE)}
other = "S" if SIZE == "M" else "M"
second_model, _ = load_model(folder, LAYERS[other])
parameters[other] = sum(p.numel() for p in second_model.parameters())
paces[other] = pace(second_model, tokenizer, same_length, TOKENS)
del second_model
grows = {n: (paces["M"][n] - paces["S"][n]) / (parameters["M"] - parameters["S"]) for n in paces["M"]}
paces["L"] = {n: paces["M"][n] + grows[n] * (parameters["L"] - parameters["M"]) for n in paces["M"]}
# %% [markdown] table
# %% predict_table
lab.predict("cost_of_L_over_M", ..., ...)
# %% table
def offer(size, per_day=100_000, peak=3):
    """Return one row of the table: a size, what it needs, and what it costs."""
    gib = 4 * parameters[size] / 2**30
    price = CORE_HOUR + GIB_HOUR * (gib + 0.5)
    speed = 8 * TOKENS / paces[size][8]
    upkeep = (WEEKLY_JOB * price + WEEKLY_CARE * ENGINEER_HOUR) / 7
    bill = cost(speed, TOKENS, per_day, peak, price, upkeep)
    return {"million": parameters[size] / 1e6, "gib": gib, "gib8": gib / 4, "price": price,
            "alone": TOKENS / paces[size][1], "batched": speed, "replicas": bill["replicas"],
            "machines": bill["day"] - upkeep, "upkeep": upkeep, "day": bill["day"],
            "thousand": bill["thousand"]}


offers = {size: offer(size) for size in "SML"}
display(pd.DataFrame(offers).rename(index=lab.say).round(2))
config = {"per_day": 100_000, "peak": 3, "core_hour": CORE_HOUR, "gib_hour": GIB_HOUR, "seed": SEED}
with track.init(lab="serving", name="cost", config=config) as run:
    for number, one in enumerate(offers.values()):
        run.log({"cost_per_thousand": one["thousand"], "cost_per_day": one["day"]}, step=number)
    run.finish({"cost_per_thousand": offers[SIZE]["thousand"]})
lab.reveal("cost_of_L_over_M", offers["L"]["day"] / offers["M"]["day"])
# %% [markdown] capacity
# %% capacity
def replicas_for(arrivals, batch_seconds, target, window, most, share=0.95, limit=64):
    """Return the smallest number of replicas that keeps the percentile within target, or None."""
    for replicas in range(1, limit + 1):
        if tail([run_queue(arrivals, batch_seconds, window, most, replicas)], share)[0] <= target:
            return replicas
    return None


hour = poisson(100_000 / 86400 * 3, 2500, SEED)
rows = {}
for size in "SM":
    for most in (1, 8):
        step = interpolated(paces[size])
        one = paces[size][1]
        rows[f"{size}, {lab.say('most')} {most}"] = {
            f"p95 ≤ {times:g} ×": replicas_for(hour, step, times * one, 0.25 * one, most) or "–"
            for times in (1.2, 1.5, 2, 3)
        }
display(pd.DataFrame(rows).T)
# %% [markdown] transfer
# %% campaign
def campaign(seed, minutes=5):
    """Return arrivals: 20 a second, and every minute 300 more within two seconds."""
    rng = random.Random(seed)
    times, now = [], 0.0
    while now < 60 * minutes:
        now += rng.expovariate(20)
        times.append(now)
    for minute in range(minutes):
        start = 60 * minute + 50 * rng.random()
        times += [start + 2 * rng.random() for _ in range(300)]
    return sorted(times)


@torch.inference_mode()
def embed(texts):
    """Return MiniLM's vectors of the texts: it only reads, so a reply is one pass."""
    batch = reader_tokenizer(
        texts, padding=True, truncation=True, max_length=48, return_tensors="pt"
    )
    hidden, weight = reader(**batch).last_hidden_state, batch["attention_mask"].unsqueeze(-1)
    return (hidden * weight).sum(dim=1) / weight.sum(dim=1)


reader = AutoModel.from_pretrained(models.path("minilm"), add_pooling_layer=False).eval()
reader_tokenizer = AutoTokenizer.from_pretrained(models.path("minilm"))
print(embed(reviews[:8]).shape, len(campaign(SEED)))
# %% transfer graded=transfer
# >>>
seconds = {}
for size in (1, 4, 16):
    runs = []
    for _ in range(5):
        began = time.process_time()
        embed(reviews[:size])
        runs.append(time.process_time() - began)
    seconds[size] = sorted(runs)[2]
target, price, step = 0.5, 0.35, interpolated(seconds)
options = []
for most in (1, 4, 16):
    for window in (0.0, 0.02):
        needed = [replicas_for(campaign(seed), step, 0.9 * target, window, most) for seed in (1, 2)]
        if None not in needed:
            options.append((max(needed), window, most))
replicas, window, most = min(options)
took = [run_queue(campaign(seed), step, window, most, replicas) for seed in (3, 4, 5)]
day = replicas * 24 * price
plan = {"seconds": seconds, "window": window, "most": most, "replicas": replicas,
        "p95": tail(took, 0.95)[0], "day": day, "thousand": 1000 * day / (25 * 86400)}
Path("plan.json").write_text(json.dumps(plan, indent=1), "utf-8")
print(json.dumps(plan))
# <<<
# %% transfer-check
lab.check("transfer", "plan.json")
# %% [markdown] solution transfer-reading
# %% [markdown] calibration
# %% calibration
lab.calibration()
# %% [markdown] quiz
# %% quiz
lab.quiz()
# %% answers
lab.answer("probes", ...)
lab.answer("percentiles", ...)
lab.answer("batch", ...)
lab.answer("bits", ...)
# %% [markdown] further
