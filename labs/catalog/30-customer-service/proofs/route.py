import json

PATHS = {"/healthz": "GET", "/v1/reply": "POST"}


def _text(body):
    asked = json.loads(body)
    if not isinstance(asked, dict):
        raise ValueError
    text = asked["text"]
    if not isinstance(text, str) or not 0 < len(text.strip()) or len(text) > 200:
        raise ValueError
    return asked, text


def alternative_exceptions(method, path, body, service):
    if path not in PATHS:
        return 404, {"error": "?"}
    if PATHS[path] != method:
        return 405, {"error": "method"}
    if path == "/healthz":
        try:
            service.reply("开灯")
        except Exception:
            return 503, {"status": "unavailable"}
        return 200, {"status": "ok", "version": service.version}
    try:
        asked, text = _text(body)
    except (ValueError, KeyError):
        return 400, {"error": "text"}
    if service is None:
        return 503, {"status": "unavailable"}
    try:
        return 200, service.reply(text, turn=asked.get("turn", 0), choice=asked.get("choice"))
    except RuntimeError:
        return 503, {"status": "unavailable"}


def alternative_match(method, path, body, service):
    match (method, path):
        case ("GET", "/healthz"):
            if service is None:
                return 503, {"status": "unavailable"}
            try:
                trial = service.reply("开灯", 0, None)
                return (200, {"status": "ok", "version": service.version}) if trial else (503, {})
            except Exception:
                return 503, {"status": "unavailable"}
        case ("POST", "/v1/reply"):
            try:
                asked, text = _text(body.decode())
            except (ValueError, KeyError, TypeError):
                return 400, {"error": "bad request"}
            try:
                return 200, service.reply(text, asked.get("turn") or 0, asked.get("choice"))
            except Exception:
                return 503, {"status": "unavailable"}
        case (_, "/healthz" | "/v1/reply"):
            return 405, {"error": "method"}
    return 404, {"error": "path"}


def mutant_no_trial__process_is_up(method, path, body, service):
    if (method, path) == ("GET", "/healthz"):
        return 200, {"status": "ok", "version": getattr(service, "version", 0)}
    return alternative_exceptions(method, path, body, service)


def mutant_healthy_without_service__says_ok(method, path, body, service):
    if (method, path) == ("GET", "/healthz") and service is None:
        return 200, {"status": "ok"}
    return alternative_exceptions(method, path, body, service)


def mutant_healthy_though_broken__swallows(method, path, body, service):
    if (method, path) == ("GET", "/healthz") and service is not None:
        try:
            service.reply("开灯")
        except Exception:
            pass
        return 200, {"status": "ok", "version": service.version}
    return alternative_exceptions(method, path, body, service)


def mutant_not_healthy__no_version(method, path, body, service):
    status, content = alternative_exceptions(method, path, body, service)
    return status, {"status": "ok"} if path == "/healthz" and status == 200 else content


def mutant_refuses__always_400(method, path, body, service):
    if path == "/v1/reply" and method == "POST":
        return 400, {"error": "text"}
    return alternative_exceptions(method, path, body, service)


def mutant_refuses__fewer_than_200(method, path, body, service):
    if path == "/v1/reply" and method == "POST" and len(body) > 500:
        return 400, {"error": "text"}
    return alternative_exceptions(method, path, body, service)


def mutant_other_reply__wrapped(method, path, body, service):
    status, content = alternative_exceptions(method, path, body, service)
    return status, {"reply": content} if path == "/v1/reply" and status == 200 else content


def mutant_arguments__forgets_the_turn(method, path, body, service):
    if (method, path) == ("POST", "/v1/reply"):
        try:
            return 200, service.reply(_text(body)[1])
        except (ValueError, KeyError):
            return 400, {"error": "text"}
        except Exception:
            return 503, {"status": "unavailable"}
    return alternative_exceptions(method, path, body, service)


def mutant_accepts__blank(method, path, body, service):
    if (method, path) == ("POST", "/v1/reply") and body.strip().startswith(b'{"text": "  '):
        return 200, service.reply("", 0, None)
    return alternative_exceptions(method, path, body, service)


def mutant_hides_failure__answers_200(method, path, body, service):
    status, content = alternative_exceptions(method, path, body, service)
    if path == "/v1/reply" and status == 503:
        return 200, {"action": "hand_over"}
    return status, content


def mutant_method__any_method(method, path, body, service):
    return alternative_exceptions(PATHS.get(path, method), path, body or b"{}", service)


def mutant_pair__only_the_reply(method, path, body, service):
    return alternative_exceptions(method, path, body, service)[1]


def mutant_raised__no_json(method, path, body, service):
    if path == "/v1/reply":
        return 200, service.reply(json.loads(body)["text"], json.loads(body).get("turn", 0), json.loads(body).get("choice"))
    return alternative_exceptions(method, path, body, service)
