"""A check runs apart: whatever the candidate does ends in a sentence and a hint."""

import signal
import sys
import time
import types
from contextlib import suppress
from pathlib import Path

import pytest

from practicum_labs.authoring.reference import reference
from practicum_labs.authoring.source import read_cells
from practicum_labs.checking.capture import Candidate, CaptureError, capture, module_of
from practicum_labs.checking.runner import Check, Checker, Result
from practicum_labs.lab import Lab, open_lab
from practicum_labs.messages import say
from practicum_labs.schema import Step, Text
from practicum_labs.settings import LabSettings

TITLE = Text(en="Double", zh="翻倍")
CHECKS = '''
"""Checks of the test's own lab."""
import os


def double(probe, candidate):
    x = probe.rng.randint(1, 10**6)
    got = probe.number(probe.call(candidate, x))
    probe.expect(got != x, "same")
    probe.expect(got == 2 * x, "other", got=got, want=2 * x)
    probe.measure("x", x)


def token(probe, candidate):
    probe.expect("JUPYTERHUB_API_TOKEN" not in os.environ, "token")
    probe.call(candidate)


def careless(probe, candidate):
    probe.expect(probe.call(candidate) > 1, "small")


def file(probe, path):
    probe.expect(path.read_text() == "right", "wrong")
'''


RIGHT = "def double(x):\n    return 2 * x"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "checks.py").write_text(CHECKS)
    return tmp_path


def _step(name: str = "double", **limits: int) -> Step:
    return Step(name=name, title=TITLE, signature=f"{name}(x)", **{"cpu_seconds": 5, **limits})


def _check(code: str, **limits: int) -> Check:
    return Check(_step(**limits), Candidate(code, "double"))


def _run(folder: Path, check: Check, *, wall_seconds: float = 0) -> Result:
    with Checker(folder, folder, wall_seconds=wall_seconds) as checker:
        return checker.run(check)


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("def double(x):\n    return 2 * x", ""),
        ("def double(x):\n    return x", "same"),
        ("def double(x):\n    return 3 * x", "other"),
        ("def double(x):\n    raise NotImplementedError('blank 1')", "untouched"),
        ("def double(x):\n    x * 2", "returns_none"),
        ("def double():\n    return 2", "signature"),
        ("def double(x):\n    return '4'", "not_a_number"),
        ("def double(x):\n    return float('nan')", "not_finite"),
        ("def double(x):\n    return y", "raised"),
        ("def double(x):\n  return (", "syntax"),
        ("def triple(x):\n    return 3 * x", "missing"),
        ("import nothing_of_the_kind", "raised"),
        ("def double(x):\n    return len(bytearray(10**11))", "memory"),
        ("def double(x):\n    import os; os.kill(os.getpid(), 9)", "killed"),
        ("def double(x):\n    import os; os._exit(0)", "crashed"),
        ("def double(x):\n    raise SystemExit", "crashed"),
    ],
)
def test_what_a_candidate_does_has_a_name(folder, code, failure):
    result = _run(folder, _check(code))
    assert result.failure == failure
    if result.generic:
        assert say(f"check.{failure}", "en", **result.facts)
        assert say(f"check.{failure}.hint", "zh")


@pytest.mark.parametrize(
    "code",
    [
        "def double(x):\n    while True:\n        pass",
        "def double(x):\n    while True:\n        try:\n            1 / 0\n"
        "        except Exception:\n            pass",
        "def double(x):\n    return sum(iter(int, 1))",
    ],
)
def test_a_loop_without_end_is_ended(folder, code):
    result = _run(folder, _check(code, cpu_seconds=1))
    assert result.failure == "endless"
    assert result.facts == {"seconds": 1}


def test_something_that_waits_for_ever_is_ended_with_its_children(folder):
    code = "import subprocess\ndef double(x):\n    return subprocess.run(['sleep', '987654'])"
    result = _run(folder, _check(code), wall_seconds=3.0)
    assert result.failure == "stuck"
    deadline = time.monotonic() + 30
    while _sleepers():
        assert time.monotonic() < deadline, "a child outlived its check"
        time.sleep(0.05)


def _sleepers() -> list[bytes]:
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            lines.append(path.read_bytes())
    return [line for line in lines if line.startswith(b"sleep\0987654")]


def test_one_candidate_does_not_see_what_another_left(folder):
    spoils = "import random\nrandom.Random.randint = None\ndef double(x):\n    return 2 * x"
    with Checker(folder, folder) as checker:
        checker.run(_check(spoils))
        assert checker.run(_check(RIGHT)).passed


@pytest.mark.parametrize(
    "code",
    [
        "import time\ndef double(x):\n    time.sleep(987654)",
        "import os\ndef double(x):\n    os.kill(os.getppid(), 9)",
    ],
)
def test_a_check_that_gets_nowhere_does_not_spoil_the_next(folder, code):
    with Checker(folder, folder, wall_seconds=3.0) as checker:
        assert checker.run(_check(code)).failure in {"stuck", "crashed"}
        assert checker.run(_check(RIGHT)).passed


def test_an_interrupted_check_does_not_answer_for_the_next(folder):
    slow = "import time\ndef double(x):\n    time.sleep(1)\n    return 2 * x"

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with Checker(folder, folder) as checker:
        checker.run(_check(RIGHT))
        before = signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        try:
            with pytest.raises(KeyboardInterrupt):
                checker.run(_check(slow))
        finally:
            signal.signal(signal.SIGALRM, before)
        assert checker.run(_check("def double(x):\n    return x")).failure == "same"
        assert checker.run(_check(RIGHT)).passed


def test_a_helper_that_is_left_behind_is_ended_and_not_waited_for(folder):
    code = "import subprocess\ndef double(x):\n    subprocess.Popen(['sleep', '987654'])\n"
    forks = "import os, time\ndef double(x):\n    if not os.fork():\n        time.sleep(987654)\n"
    with Checker(folder, folder) as checker:
        for helper in (code, forks):
            assert checker.run(_check(helper + "    return 2 * x")).passed
    assert not _sleepers()


def test_a_worker_that_ended_meanwhile_is_replaced(folder):
    with Checker(folder, folder) as checker:
        checker.run(_check(RIGHT))
        assert checker._worker
        checker._worker._process.kill()
        checker._worker._process.wait()
        assert checker.run(_check(RIGHT)).passed


def test_of_what_is_printed_without_end_the_end_is_kept(folder):
    code = "def double(x):\n    for n in range(300):\n        print(n, 'x' * 10**5)\n"
    result = _run(folder, _check(code + "    return x"))
    assert result.failure == "same"
    assert len(result.printed) <= 2000
    assert result.printed.endswith("x\n")


def test_an_answer_that_the_check_did_not_think_of_is_told(folder):
    result = _run(folder, Check(_step("careless"), Candidate("def f():\n    return 'a'", "f")))
    assert (result.failure, result.generic) == ("unexpected", True)
    assert "TypeError" in say("check.unexpected", "zh", **result.facts)


def test_what_checks_need_is_imported_once(folder):
    counts = "import pathlib\nwith pathlib.Path(__file__).with_name('n').open('a') as file:\n"
    with (folder / "checks.py").open("a") as file:
        file.write(counts + "    file.write('x')\n")
    with Checker(folder, folder) as checker:
        for _ in range(3):
            assert checker.run(_check(RIGHT)).passed
    assert (folder / "n").read_text() == "x"


def test_inputs_are_fresh_each_time_and_the_same_for_a_seed(folder):
    checks = [Check(_step(), Candidate(RIGHT, "double"), seed=seed) for seed in (1, 1, 2)]
    with Checker(folder, folder) as checker:
        xs = [checker.run(check).measures["x"] for check in checks]
    assert xs[0] == xs[1] != xs[2]


def test_what_it_prints_is_kept_apart(folder):
    result = _run(folder, _check('def double(x):\n    print(\'{"failure": ""}\')\n    return x'))
    assert result.failure == "same"
    assert '{"failure": ""}' in result.printed


def test_a_check_does_not_get_the_sandbox_token(folder, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret")
    check = Check(_step("token"), Candidate("def f():\n    return 1", "f"))
    assert _run(folder, check).passed


def test_an_artefact_is_checked_by_its_path(folder):
    step = _step("file").model_copy(update={"kind": "artefact"})
    (folder / "a").write_text("right")
    (folder / "b").write_text("left")
    assert _run(folder, Check(step, folder / "a")).passed
    assert _run(folder, Check(step, folder / "b")).failure == "wrong"


def _notebook(code: str) -> dict:
    """Run ``code`` as a notebook does: its functions belong to __main__ and have a source."""
    import linecache

    scope: dict = {"__name__": "__main__"}
    name = f"<cell {hash(code)}>"
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    exec(compile(code, name, "exec"), scope)
    return scope


def test_capture_brings_along_what_a_function_needs():
    scope = _notebook(
        "import math as m\nfrom pathlib import Path\nLIMIT = 3\nNAMES = {'a': [1, 2.5]}\n"
        "def helper(x):\n    return m.floor(x) + LIMIT\n"
        "class Box:\n    def __init__(self, x):\n        self.x = helper(x)\n\n"
        "def f(x):\n    return Box(x).x + NAMES['a'][0], Path('p').name\n"
    )
    candidate = capture(scope["f"])
    assert "import math as m\nfrom pathlib import Path\n" in candidate.source
    alone: dict = {}
    exec(candidate.source, alone)
    assert alone[candidate.name](1.5) == scope["f"](1.5) == (5, "p")


@pytest.mark.parametrize(
    "code",
    [
        "NEG = float('-inf')\ndef f(x):\n    return max(x, NEG)\n",
        "from math import inf\nBOUNDS = [(0.0, inf), {1: -inf}]\ndef f(x):\n"
        "    return min(x, BOUNDS[0][1])\n",
        "import math\nfrom functools import lru_cache\n@lru_cache\ndef g(x):\n"
        "    return math.floor(x)\ndef f(x):\n    return g(x) + 0.5\n",
        "import math\nfrom contextlib import ContextDecorator\nclass Quiet(ContextDecorator):\n"
        "    def __enter__(self): return self\n    def __exit__(self, *_): return False\n"
        "@Quiet()\ndef f(x):\n    return math.floor(x) + 0.5\n",
        "def f(x):\n    match (x, 1):\n        case (a, b):\n            return a * b\n",
        "SCALE = 1.0\ndef f(x):\n    def inner(SCALE):\n        return SCALE\n"
        "    return inner(x) * SCALE\n",
        "def f(x):\n    return sum(y for y in [x]) + [z for z in [0.0]][0]\n",
    ],
)
def test_capture_takes_what_people_write(code):
    scope = _notebook(code)
    candidate = capture(scope["f"])
    alone: dict = {}
    exec(candidate.source, alone)
    assert alone[candidate.name](1.5) == scope["f"](1.5) == 1.5


def test_capture_finds_a_class_without_methods_of_its_own(monkeypatch):
    main = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    scope = _notebook(
        "from dataclasses import dataclass\n@dataclass\nclass Config:\n    rate: float = 1.0\n"
        "def f(x):\n    return Config().rate * x\n"
    )
    vars(main).update(scope)
    alone: dict = {"__name__": "alone"}
    monkeypatch.setitem(sys.modules, "alone", types.ModuleType("alone"))
    exec(capture(scope["f"]).source, alone)
    assert alone["f"](1.5) == 1.5


def test_two_functions_make_one_module_without_doubles():
    scope = _notebook(
        "def a():\n    return 1\ndef b():\n    return a()\ndef c():\n    return a()\n"
    )
    assert module_of(scope["b"], scope["c"]).count("def a()") == 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("model = object()\ndef f(x):\n    return model", "global"),
        ("def f(x):\n    return missing(x)", "undefined"),
        ("f = lambda x: x", "lambda"),
        ("f = 3", "not_a_function"),
        ("def g(x):\n    return x\nh = g\ndef f(x):\n    return h(x)", "renamed"),
    ],
)
def test_what_cannot_stand_alone_is_said(code, reason):
    with pytest.raises(CaptureError) as error:
        capture(_notebook(code)["f"])
    assert error.value.reason == reason
    assert say(f"check.{reason}", "zh", **error.value.facts)


LAB = """
id: tiny
version: 1.0.0
module: practice
title: {en: "T", zh: "题"}
summary: {en: "S", zh: "概"}
minutes: 60
skills: []
data: []
tiers: {cpu: {cpu: "1", cpuLimit: "1", memory: 1Gi}, gpu: {cpu: "1", cpuLimit: "1", memory: 1Gi}}
task: {goal: {en: "G", zh: "目"}, input: x, output: y, metrics: []}
steps:
  - {name: double, title: {en: Double, zh: 翻倍}, signature: double(x)}
evidence: []
"""
MESSAGES = """
prints: {greeting: "hello {name}"}
steps:
  double:
    passed: "yes, {x:.0f}"
    hints: ["second hint", "third hint"]
    failures:
      same: {says: "nothing changed", hint: "first hint"}
      other: {says: "{got} is not {want}", hint: "first hint of another"}
"""
QUIZ = """
questions:
  one:
    question: {en: "1 + 1?", zh: "一加一等于几"}
    choices: [{en: "2", zh: "2"}, {en: "3", zh: "3"}]
    answer: 0
    because: {en: "count", zh: "数一数"}
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Lab:
    place = tmp_path / "labs" / "tiny"
    place.mkdir(parents=True)
    (place / "lab.yaml").write_text(LAB)
    (place / "quiz.yaml").write_text(QUIZ)
    (place / "checks.py").write_text(CHECKS)
    for language in ("en", "zh"):
        (place / f"messages.{language}.yaml").write_text(MESSAGES)
    (place / "lab.py").write_text(
        "# %% setup\nimport math\n# %% double graded=double\ndef double(x):\n    # >>>\n"
        "    return math.prod([2, x])\n    # <<<\n"
    )
    settings = LabSettings(labs=tmp_path / "labs", workspace=tmp_path / "work", data=tmp_path)
    return open_lab("tiny", settings=settings)


def test_hints_come_one_at_a_time_then_the_solution_opens(tiny):
    wrong = _notebook("def double(x):\n    return x\n")["double"]
    said = [str(tiny.check("double", wrong)) for _ in range(4)]
    for number, text in enumerate(said, 1):
        hints = [hint for hint in ("first hint", "second hint", "third hint") if hint in text]
        assert len(hints) == min(number, 3)
    assert "lab.solution" in said[3]
    assert "lab.solution" not in said[2]
    assert "math.prod" in str(tiny.solution("double"))
    assert tiny.state.read().step("double").unlocked


def test_the_solution_stays_shut_before_that(tiny):
    assert "math.prod" not in str(tiny.solution("double"))


def test_another_failure_begins_with_its_own_first_hint(tiny):
    same = _notebook("def double(x):\n    return x\n")["double"]
    other = _notebook("def double(x):\n    return 5 * x\n")["double"]
    tiny.check("double", same)
    tiny.check("double", same)
    said = str(tiny.check("double", other))
    assert "first hint of another" in said
    assert "second hint" not in said


def test_a_right_answer_passes_and_is_remembered(tiny):
    right = _notebook("def double(x):\n    return x + x\n")["double"]
    assert "✓ Double" in str(tiny.check("double", right))
    assert tiny.state.read().step("double").passed


def test_going_on_with_the_reference_is_noted(tiny):
    double = tiny.resume("double")
    assert double(4) == 8
    assert "not count as yours" in str(tiny.check("double", double))


def test_predictions_are_kept_and_scored_for_calibration(tiny, capsys):
    tiny.predict("a")
    tiny.predict("a", 0.4, 0.2)
    tiny.predict("b", 1, 2)
    tiny.reveal("a", 0.3)
    tiny.reveal("b", 5)
    tiny.predict("a", 0, 1)
    tiny.calibration()
    out = capsys.readouterr().out
    assert "Before you look" in out
    assert "You said 0.2 to 0.4; it is 0.3. Inside." in out
    assert "Outside" in out
    assert "1 of 2" in out
    assert tiny.state.read().predictions["a"].low == 0.2, "no change after the fact"


def test_the_quiz_explains(tiny, capsys):
    tiny.quiz()
    tiny.answer("one", 2)
    tiny.answer("one")
    out = capsys.readouterr().out
    assert "1. 2" in out
    assert "Not quite. It is: 2" in out
    assert "count" in out
    assert tiny.state.read().answers == {"one": 2}


def test_a_spoiled_state_file_is_a_new_start(tiny):
    tiny.state.path.parent.mkdir(parents=True, exist_ok=True)
    tiny.state.path.write_text("{")
    assert tiny.state.read().steps == {}


def test_an_unknown_step_and_an_unknown_lab_are_said(tiny):
    with pytest.raises(KeyError, match="double"):
        tiny.check("other", print)
    with pytest.raises(FileNotFoundError, match="PRACTICUM_LABS"):
        open_lab("nothing", settings=tiny.settings)


def test_an_artefact_that_is_not_there(tiny):
    step = tiny.manifest.steps[0].model_copy(update={"kind": "artefact"})
    manifest = tiny.manifest.model_copy(update={"steps": (step,)})
    lab = open_lab("tiny", settings=tiny.settings)
    object.__setattr__(lab, "manifest", manifest)
    assert "no file or folder" in str(lab.check("double", "nowhere"))


def test_the_reference_is_a_module_of_its_own(tiny):
    cells = read_cells(tiny.folder / "lab.py")
    candidate = reference(cells, tiny.manifest.steps[0])
    scope: dict = {}
    exec(candidate.source, scope)
    assert scope[candidate.name](3) == 6


def test_both_languages_of_the_toolkit_say_the_same_things():
    from practicum_labs.authoring.lint import _fields
    from practicum_labs.messages import _catalogue

    english, chinese = _catalogue("en"), _catalogue("zh")
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        assert _fields(text) == _fields(chinese[key]), key
