"""Plans: each function measures MiniLM, writes ``plan.json`` in ``folder`` and returns it."""

import bisect
import heapq
import json
import math
import random
import time

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer, logging

from practicum_labs import data, models

logging.set_verbosity_error()
logging.disable_progress_bar()


def _campaign(seed):
    rng = random.Random(seed)
    times, now = [], 0.0
    while now < 300:
        now += rng.expovariate(20)
        times.append(now)
    for minute in range(5):
        start = 60 * minute + 50 * rng.random()
        times += [start + 2 * rng.random() for _ in range(300)]
    return sorted(times)


def _measured(place, sizes):
    torch.set_num_threads(1)
    path = models.path("minilm", folder=place)
    model = AutoModel.from_pretrained(path, add_pooling_layer=False).eval()
    tokenizer = AutoTokenizer.from_pretrained(path)
    texts = [e.text for e in data.load("vader-reviews", train=64, validation=0, folder=place).train]
    seconds = {}
    for size in sizes:
        runs = []
        for _ in range(4):
            began = time.process_time()
            batch = tokenizer(texts[:size], padding=True, truncation=True, max_length=48, return_tensors="pt")
            with torch.inference_mode():
                model(**batch)
            runs.append(time.process_time() - began)
        seconds[size] = sorted(runs)[1]
    return seconds


def _p95(seconds, most, replicas, seeds=(11, 12)):
    times = []
    for seed in seeds:
        arrivals, free, done = _campaign(seed), [0.0] * replicas, 0
        while done < len(arrivals):
            leaves = max(heapq.heappop(free), arrivals[done])
            last = min(bisect.bisect_right(arrivals, leaves), done + most)
            end = leaves + float(np.interp(last - done, list(seconds), list(seconds.values())))
            heapq.heappush(free, end)
            times += [end - a for a in arrivals[done:last]]
            done = last
    return sorted(times)[math.ceil(0.95 * len(times)) - 1]


def _plan(place, sizes, most, replicas=None):
    """Return an honest plan; with replicas given, what that many would bring."""
    seconds = _measured(place, sizes)
    if replicas is None:
        replicas = next(r for r in range(1, 99) if _p95(seconds, most, r) <= 0.45)
    day = replicas * 24 * 0.35
    return {"seconds": seconds, "window": 0, "most": most, "replicas": replicas,
            "p95": _p95(seconds, most, replicas, (21, 22)), "day": day, "thousand": day / (25 * 86.4)}


def _write(folder, plan):
    path = folder / "plan.json"
    path.write_text(plan if isinstance(plan, str) else json.dumps(plan), "utf-8")
    return path


def _spoiled(folder, place, **changes):
    """Make a good plan once; most mutants spoil it in one way."""
    kept = folder.parent / "good.json"
    if not kept.exists():
        kept.write_text(json.dumps(_plan(place, (1, 4, 8), 8)), "utf-8")
    return _write(folder, json.loads(kept.read_text("utf-8")) | changes)


def alternative_large_batches(folder, place):
    return _write(folder, _plan(place, (1, 2, 8, 32), 32))


def alternative_small_batches(folder, place):
    return _spoiled(folder, place)


def mutant_not_json__python_repr(folder, place):
    return _write(folder, "{'seconds': {1: 0.02}}")


def mutant_lacks__no_thousand(folder, place):
    plan = json.loads(_spoiled(folder, place).read_text("utf-8"))
    del plan["thousand"]
    return _write(folder, plan)


def mutant_sizes__only_one(folder, place):
    return _spoiled(folder, place, seconds={1: 0.02})


def mutant_not_measured__numbers_of_a_brochure(folder, place):
    return _spoiled(folder, place, seconds={1: 0.001, 4: 0.001, 8: 0.001})


def mutant_setting__larger_than_measured(folder, place):
    return _spoiled(folder, place, most=64)


def mutant_too_slow__planned_for_the_average(folder, place):
    return _write(folder, _plan(place, (1, 2, 4), 1, replicas=1))


def mutant_wasteful__to_be_safe(folder, place):
    return _write(folder, _plan(place, (1, 4, 8), 8, replicas=9))


def mutant_p95_differs__in_milliseconds(folder, place):
    return _spoiled(folder, place, p95=310.0)


def mutant_day__eight_hours(folder, place):
    return _spoiled(folder, place, day=2.8)


def mutant_thousand__for_one_search(folder, place):
    return _spoiled(folder, place, thousand=7.8e-6)
