"""What a card offers and says in each state."""

import pytest

from practicum_api.sandbox import Phase
from practicum_portal.pages import cards


def test_no_sandbox_offers_a_start_only_when_the_lab_is_ready():
    assert cards.primary(None, startable=True) is cards.START
    assert cards.primary(None, startable=False) is None


@pytest.mark.parametrize(
    ("phase", "button"),
    [
        (Phase.PENDING, None),
        (Phase.QUEUED, cards.CANCEL),
        (Phase.STARTING, cards.CANCEL),
        (Phase.RUNNING, cards.OPEN),
        (Phase.SUSPENDING, None),
        (Phase.SUSPENDED, cards.RESUME),
        (Phase.STALLED, cards.RETRY),
        (Phase.TERMINATING, None),
    ],
)
def test_one_clear_action_in_each_phase(samples, phase, button):
    assert cards.primary(samples.make_sandbox(phase)) is button


@pytest.mark.parametrize("phase", list(Phase))
def test_nothing_is_offered_that_may_not_be_done(samples, phase):
    sandbox = samples.make_sandbox(phase)
    first = cards.primary(sandbox)
    offered = [*([first] if first else []), *cards.menu(sandbox)]
    assert all(sandbox.may(button.action) for button in offered)
    assert len({button.action for button in offered}) == len(offered)


def test_a_sandbox_that_never_ran_is_started_not_resumed(samples):
    sandbox = samples.make_sandbox(Phase.SUSPENDED, attempt=0)
    assert cards.primary(sandbox) is cards.START


def test_quiet_states_say_nothing_more(samples):
    assert cards.notes(samples.make_sandbox(Phase.RUNNING)) == ()
    assert cards.notes(samples.make_sandbox(Phase.QUEUED)) == ()


def test_a_failure_keeps_the_operators_own_words(samples):
    (note,) = cards.notes(samples.make_sandbox(Phase.STALLED))
    assert (note.tone, note.lead) == ("bad", "The image can't be pulled.")
    assert note.detail == "registry.invalid/sandbox:1: not found"


def test_words_that_only_repeat_the_reason_are_left_out(samples):
    (note,) = cards.notes(samples.make_sandbox(Phase.STALLED, message="The image can't be pulled."))
    assert note.detail == ""


def test_a_changed_lab_asks_for_a_restart_in_time(samples):
    (note,) = cards.notes(samples.make_sandbox(Phase.RUNNING, restart_required=True))
    assert note.tone == "calm"


def test_labs_in_use_come_first_those_that_run_before_the_rest(samples):
    offers = tuple(
        samples.make_offer(phase and samples.make_sandbox(phase))
        for phase in (None, Phase.SUSPENDED, Phase.QUEUED, Phase.RUNNING)
    )
    begun, others = cards.split(offers)
    assert [offer.sandbox.phase for offer in begun] == [
        Phase.RUNNING,
        Phase.QUEUED,
        Phase.SUSPENDED,
    ]
    assert others == [offers[0]]
