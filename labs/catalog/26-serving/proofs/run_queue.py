import heapq
import math


def _run(arrivals, seconds, window, most, replicas, *, leave=None, clock=None):
    """Return latencies; ``leave`` and ``clock`` are where the wrong ones go wrong."""
    free, out, i = [0.0] * replicas, [], 0
    while i < len(arrivals):
        begun = heapq.heappop(free)
        full = arrivals[i + most - 1] if i + most <= len(arrivals) else math.inf
        ready = leave(arrivals[i], full) if leave else min(arrivals[i] + window, full)
        leaves = max(begun, ready)
        batch = [a for a in arrivals[i : i + most] if a <= leaves]
        done = leaves + seconds(len(batch))
        heapq.heappush(free, done)
        out += [done - (clock(a, leaves) if clock else a) for a in batch]
        i += len(batch)
    return out


def alternative_slices(arrivals, batch_seconds, window, most, replicas):
    return _run(arrivals, batch_seconds, window, most, replicas)


def alternative_event_by_event(arrivals, batch_seconds, window, most, replicas):
    ends, latencies, waiting = [0.0] * replicas, [], []
    coming = list(arrivals)
    while coming or waiting:
        if not waiting:
            waiting.append(coming.pop(0))
        best = min(range(replicas), key=ends.__getitem__)
        moment = max(ends[best], waiting[0])
        while len(waiting) < most and coming and coming[0] <= max(ends[best], waiting[0] + window):
            waiting.append(coming.pop(0))
            moment = max(moment, waiting[-1])
        if len(waiting) < most:
            moment = max(ends[best], waiting[0] + window)
        ends[best] = moment + batch_seconds(len(waiting))
        latencies.extend(ends[best] - a for a in waiting)
        waiting = []
    return latencies


def mutant_closed__clock_starts_when_it_leaves(arrivals, batch_seconds, window, most, replicas):
    return _run(arrivals, batch_seconds, window, most, replicas, clock=lambda a, leaves: leaves)


def mutant_window__leaves_at_once(arrivals, batch_seconds, window, most, replicas):
    return _run(arrivals, batch_seconds, 0.0, most, replicas)


def mutant_full__always_waits(arrivals, batch_seconds, window, most, replicas):
    return _run(arrivals, batch_seconds, window, most, replicas, leave=lambda a, full: a + window)


def mutant_replicas__only_one(arrivals, batch_seconds, window, most, replicas):
    return _run(arrivals, batch_seconds, window, most, 1)


def mutant_most__takes_all(arrivals, batch_seconds, window, most, replicas):
    return _run(arrivals, batch_seconds, window, 10**6, replicas)


def mutant_value__cost_of_one(arrivals, batch_seconds, window, most, replicas):
    return _run(arrivals, lambda n: batch_seconds(1), window, most, replicas)


def mutant_value__window_after_the_replica_is_free(arrivals, batch_seconds, window, most, replicas):
    free, out, i = [0.0] * replicas, [], 0
    while i < len(arrivals):
        begun = max(heapq.heappop(free), arrivals[i])
        full = arrivals[i + most - 1] if i + most <= len(arrivals) else math.inf
        leaves = max(begun, min(begun + window, full))
        batch = [a for a in arrivals[i : i + most] if a <= leaves]
        done = leaves + batch_seconds(len(batch))
        heapq.heappush(free, done)
        out += [done - a for a in batch]
        i += len(batch)
    return out


def mutant_length__one_a_batch(arrivals, batch_seconds, window, most, replicas):
    return _run(arrivals, batch_seconds, window, most, replicas)[::2]
