import json
import math


def _json(body):
    """Return (text, tokens) of a good body, else None."""
    try:
        asked = json.loads(body)
    except ValueError:
        return None
    if not isinstance(asked, dict):
        return None
    text, tokens = asked.get("text"), asked.get("tokens", 12)
    fine = isinstance(text, str) and text.strip() and type(tokens) is int and 1 <= tokens <= 32
    return (text, tokens) if fine else None


def alternative_tables(method, path, body, state):
    ready, room = state["phase"] == "ready", state["waiting"] < state["room"]
    probes = {"/healthz": state["beat"] <= 30, "/readyz": ready and room}
    if path not in (*probes, "/v1/reply"):
        return 404, {}, {"error": "path"}
    right = "GET" if path in probes else "POST"
    if method != right:
        return 405, {"Allow": right}, {"error": right}
    if path in probes:
        return (200 if probes[path] else 503), {}, {"ok": probes[path]}
    if len(body) > 4096:
        return 413, {}, {"error": "long"}
    if (good := _json(body)) is None:
        return 400, {}, {"error": "bad"}
    if ready and room:
        return 200, {}, {"text": good[0], "tokens": good[1]}
    seconds = max(1, math.ceil(state["waiting"] * state["seconds"]))
    return (429 if ready else 503), {"Retry-After": f"{seconds:d}"}, {"error": "later"}


def alternative_phase_first(method, path, body, state):
    """Refuses for its own sake before it looks at the caller's."""
    if path == "/healthz":
        return (503 if state["beat"] > 30 else 200), {}, {}
    refusing = 503 if state["phase"] != "ready" else 429 if state["waiting"] >= state["room"] else 0
    if path == "/readyz":
        return (503 if refusing else 200), {}, {}
    if refusing:
        return refusing, {"Retry-After": str(max(1, -int(-state["waiting"] * state["seconds"] // 1)))}, {}
    if len(body) > 4096:
        return 413, {}, {}
    good = _json(body)
    return (400, {}, {}) if good is None else (200, {}, {"text": good[0], "tokens": good[1]})


def _change(method, path, body, state, **changes):
    return alternative_tables(method, path, body, state | changes)


def mutant_alive__shot_while_it_starts(method, path, body, state):
    if path == "/healthz" and state["phase"] == "starting":
        return 503, {}, {}
    return alternative_tables(method, path, body, state)


def mutant_alive__shot_when_full(method, path, body, state):
    if path == "/healthz" and state["waiting"] >= state["room"]:
        return 503, {}, {}
    return alternative_tables(method, path, body, state)


def mutant_dead__always_fine(method, path, body, state):
    return _change(method, path, body, state, beat=0)


def mutant_ready__the_same_as_alive(method, path, body, state):
    return alternative_tables(method, "/healthz" if path == "/readyz" else path, body, state)


def mutant_ready__while_it_drains(method, path, body, state):
    if path == "/readyz" and state["phase"] == "draining":
        return 200, {}, {}
    return alternative_tables(method, path, body, state)


def mutant_admits__off_by_one(method, path, body, state):
    return _change(method, path, body, state, room=state["room"] - (5 if path == "/v1/reply" else 0))


def mutant_content__no_default(method, path, body, state):
    status, headers, content = alternative_tables(method, path, body, state)
    if "text" in content and content["tokens"] == 12:
        content.pop("tokens")
    return status, headers, content


def mutant_bad__blank_passes(method, path, body, state):
    status, headers, content = alternative_tables(method, path, body, state)
    if status == 400 and b'" \\n"' in body:
        return 200, {}, {"text": " \n", "tokens": 12}
    return status, headers, content


def mutant_raised__json_not_caught(method, path, body, state):
    if path == "/v1/reply" and len(body) <= 4096:
        json.loads(body)
    return alternative_tables(method, path, body, state)


def mutant_tokens__true_is_one(method, path, body, state):
    status, headers, content = alternative_tables(method, path, body, state)
    if status == 400 and b'"tokens": true' in body:
        return 200, {}, {"text": "", "tokens": 1}
    return status, headers, content


def mutant_long__counts_letters(method, path, body, state):
    if len(body) > 4096 and len(text := json.loads(body)["text"]) <= 4096:
        return 200, {}, {"text": text, "tokens": 12}
    return alternative_tables(method, path, body, state)


def mutant_refuses__busy_is_the_same_as_away(method, path, body, state):
    status, headers, content = alternative_tables(method, path, body, state)
    return (503 if status == 429 else status), headers, content


def mutant_no_retry__says_nothing(method, path, body, state):
    status, _, content = alternative_tables(method, path, body, state)
    return status, {}, content


def mutant_retry__always_one(method, path, body, state):
    status, headers, content = alternative_tables(method, path, body, state)
    return status, {name: "1" for name in headers}, content


def mutant_retry__not_rounded(method, path, body, state):
    status, headers, content = alternative_tables(method, path, body, state)
    return status, {name: str(state["waiting"] * state["seconds"]) for name in headers}, content


def mutant_triple__status_and_content(method, path, body, state):
    status, _, content = alternative_tables(method, path, body, state)
    return status, content
