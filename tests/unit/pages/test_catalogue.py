"""The Chinese catalogue: complete, nothing left over, and places for values kept."""

import re

import pytest

from practicum_api.reasons import Reason
from practicum_api.sandbox import Phase, Stage
from practicum_portal.identity import Role
from practicum_portal.pages import catalogue, wording
from practicum_portal.pages.languages import translations
from practicum_portal.pages.server_texts import server_text
from practicum_portal.views.runs import RunState

HAN = re.compile(r"[\u4e00-\u9fff]")
PLACES = re.compile(r"%\((\w+)\)s")
LATIN_ALONE = {"API"}
"""Texts that are the same in Chinese."""
NO_WORDS = {"%(used)s of %(bound)s"}
"""Texts that are figures in Chinese."""


@pytest.fixture(scope="module")
def collected():
    return catalogue.collect()


@pytest.fixture(scope="module")
def known():
    return {message.id: message for message in catalogue.read() if message.id}


def ids(messages):
    return {message if isinstance(message, str) else message[0] for message in messages}


def test_every_text_of_the_code_is_in_the_file_and_no_other(collected, known):
    assert ids(known) == ids(collected)


def test_every_text_is_translated_with_its_places(known):
    for message in known.values():
        source = message.id if isinstance(message.id, str) else message.id[-1]
        target = message.string if isinstance(message.string, str) else message.string[0]
        assert not message.fuzzy, source
        assert sorted(PLACES.findall(target)) == sorted(PLACES.findall(source)), source
        if source not in LATIN_ALONE | NO_WORDS:
            assert HAN.search(target), source


def test_chinese_uses_chinese_punctuation(known):
    for message in known.values():
        target = message.string if isinstance(message.string, str) else message.string[0]
        assert not re.search(r"[\u4e00-\u9fff][,;:?!.](\s|$)", target), target


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_phase_stage_role_and_reason_has_its_words(language):
    catalog = translations(language)
    looks = [*wording.PHASES.values(), *wording.RUNS.values(), wording.QUIET_RUN]
    assert set(wording.PHASES) == set(Phase)
    assert set(wording.STAGES) == set(Stage)
    assert set(wording.ROLES) == set(Role)
    assert set(wording.RUNS) == set(RunState)
    assert set(wording.ADVICE) == set(Reason)
    words = [
        *(look.label for look in looks),
        *wording.STAGES.values(),
        *wording.ROLES.values(),
        *(reason.text for reason in Reason),
        *(advice for advice in wording.ADVICE.values() if advice),
    ]
    for word in words:
        assert bool(HAN.search(str(catalog.ugettext(word)))) == (language == "zh"), word


def test_texts_of_errors_are_found_by_their_pattern():
    assert server_text("This person is on line 7 already.", "zh") == "此人已出现在第 7 行。"
    assert server_text("This person is on line 7 already.", "en").endswith("line 7 already.")
    assert server_text("Nobody ever wrote this.", "zh") == "Nobody ever wrote this."


def test_texts_inside_a_text_are_translated_too():
    why = "No AcceleratorClass of this name exists."
    told = server_text(f"The lab adapter can't be started: {why}", "zh")
    assert told == "实验 adapter 无法启动：没有这个名称的加速器类型。"


def test_values_with_percent_signs_and_brackets_are_harmless():
    assert "100%(1)s" in server_text("There is a cohort 100%(1)s already.", "zh")


def test_collecting_reads_strings_f_strings_and_shared_hints():
    source = """
_HINT = "Do that."
def check(name):
    raise NotFoundError(f"{name} is gone.", hint=_HINT)
    problem(1, "", "x", "", "Wrong.", f"Look: {_HINT}")
    log.warning("Nobody reads this.")
    raise ValueError("Nor this.")
"""
    texts = {text for text, _ in catalogue.raised_texts(source)}
    assert texts == {"%(1)s is gone.", "Do that.", "Wrong.", "Look: %(1)s"}
