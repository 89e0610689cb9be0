"""How resources are shown: reasons, stages, actions, figures."""

import pytest

from practicum_api.sandbox import Phase
from practicum_portal.identity import Person, Role, choose_language
from practicum_portal.ratelimit import RateLimit


@pytest.fixture
def database_kind():
    return "sqlite"


OWNER = Person("trainee", memberships={"class-a": Role.TRAINEE})
TEACHER = Person("instructor", memberships={"class-a": Role.INSTRUCTOR})
STAGES = [
    {"stage": "Queued", "began": "2026-03-02T08:00:00Z"},
    {"stage": "Scheduling", "began": "2026-03-02T08:00:05Z"},
    {"stage": "Starting", "began": "2026-03-02T08:00:20Z"},
]


async def shown(portal, body, person=OWNER):
    portal.kubernetes.put("sandboxes", body)
    await portal.settled()
    return portal.container.services.sandboxes.get(person, "class-a", "trainee--lora")


@pytest.mark.parametrize(
    ("phase", "states"),
    [
        ("Starting", ["done", "done", "done", "current", "waiting", "waiting"]),
        ("Stalled", ["done", "done", "done", "failed", "waiting", "waiting"]),
        ("Running", ["done"] * 6),
        ("Suspended", []),
    ],
)
async def test_stages_tell_how_far_a_start_is(portal, make, phase, states):
    view = await shown(portal, make.sandbox(phase=phase, status={"stages": STAGES}))
    assert [stage.state.value for stage in view.stages] == states
    if states:
        assert [stage.seconds for stage in view.stages[:3]] == [5, 15, None]


async def test_hours_count_on_the_class_they_were_used_of(portal, make):
    room = make.cohort(
        quota={"accelerators": [{"className": name, "count": 1} for name in ("a100", "h100")]}
    )
    portal.kubernetes.put("cohorts", room)
    status = {
        "blueprint": {
            "image": {"reference": "x"},
            "accelerator": {"className": "h100", "resourceName": "nvidia.com/gpu", "count": 2},
        },
        "usage": {
            "acceleratorSeconds": 10800,
            "accelerators": [{"className": "a100", "seconds": 10800}],
            "since": "2026-03-02T08:30:00Z",
        },
    }
    await shown(portal, make.sandbox(status=status))
    cohort = await portal.container.services.cohorts.get(TEACHER, "class-a")
    used = {item.class_name: item.used_hours for item in cohort.quota.accelerators}
    assert used == {"a100": 3.0, "h100": 1.0}


@pytest.mark.parametrize(
    ("status", "minute"),
    [
        ({}, None),
        ({"readyAt": "2026-03-02T08:10:00Z"}, 10),
        ({"readyAt": "2026-03-02T08:10:00Z", "lastActivity": "2026-03-02T08:30:00Z"}, 30),
        ({"readyAt": "2026-03-02T08:40:00Z", "lastActivity": "2026-03-02T08:30:00Z"}, 40),
    ],
)
async def test_coming_up_counts_as_activity(portal, make, status, minute):
    view = await shown(portal, make.sandbox(phase="Running", status=status))
    assert (view.last_activity and view.last_activity.minute) == minute


@pytest.mark.parametrize(
    ("phase", "actions"),
    [
        ("Pending", "suspend reset delete"),
        ("Queued", "suspend reset delete"),
        ("Starting", "suspend extend restart reset delete"),
        ("Running", "open suspend extend restart reset delete"),
        ("Suspending", "reset delete"),
        ("Suspended", "start reset delete"),
        ("Stalled", "start suspend restart reset delete"),
        ("Terminating", ""),
    ],
)
async def test_actions_by_phase(portal, make, phase, actions):
    body = make.sandbox(phase=phase)
    if phase == "Terminating":
        body["metadata"]["deletionTimestamp"] = "2026-03-02T08:30:00Z"
    view = await shown(portal, body)
    seen = await shown(portal, body, TEACHER)
    assert [action.value for action in view.actions] == actions.split()
    # JupyterLab is its owner's alone.
    assert [action.value for action in seen.actions] == [
        word for word in actions.split() if word != "open"
    ]


@pytest.mark.parametrize("phase", ["Running", "Stalled", "Suspended"])
@pytest.mark.parametrize("wish", ["restart", "reset"])
async def test_a_start_that_the_operator_has_not_begun_is_pending(portal, make, phase, wish):
    why = {"conditions": [make.condition("Stalled", "True", "ImageUnavailable")]}
    asked = {"desiredState": "Running", wish: "new"}
    view = await shown(portal, make.sandbox(phase=phase, status=why, **asked))
    assert (view.phase, view.reason, view.last_error) == (Phase.PENDING, "", "")
    assert (view.url, view.stages) == (None, ())
    begun = make.sandbox(phase="Starting", status={wish: "new"}, **asked)
    assert (await shown(portal, begun)).phase is Phase.STARTING


async def test_every_phase_has_a_view(portal, make):
    for phase in Phase:
        view = await shown(portal, make.sandbox(phase=phase.value))
        assert view.phase is phase


async def test_a_queue_says_what_for_and_how_many_are_before(portal, make):
    queue = {"position": 3, "reason": "AcceleratorBusy", "message": ""}
    view = await shown(portal, make.sandbox(phase="Queued", status={"queue": queue}))
    assert (view.queue.position, view.reason) == (3, "AcceleratorBusy")
    assert view.message == "All accelerators of this class are in use."


async def test_the_reason_of_a_stall_comes_before_that_of_not_being_ready(portal, make):
    conditions = [
        make.condition("Ready", "False", "Starting", "JupyterLab is starting."),
        make.condition("Stalled", "True", "ImageUnavailable", "registry/x: not found"),
    ]
    view = await shown(portal, make.sandbox(phase="Stalled", status={"conditions": conditions}))
    assert (view.reason, view.message) == ("ImageUnavailable", "registry/x: not found")
    assert view.last_error == "ImageUnavailable"


async def test_usage_counts_the_attempt_that_runs(portal, make):
    status = {
        "usage": {"runningSeconds": 100, "cpuSeconds": 200, "since": "2026-03-02T08:50:00Z"},
        "blueprint": {
            "image": {"reference": "x"},
            "resources": {"cpu": "1500m"},
            "accelerator": {"className": "a100", "resourceName": "nvidia.com/gpu", "count": 2},
        },
    }
    view = await shown(portal, make.sandbox(status=status))
    assert view.usage.running_seconds == 100 + 600
    assert view.usage.cpu_seconds == 200 + 900
    assert view.usage.accelerator_seconds == 1200
    assert view.accelerator == "2 x a100"


async def test_a_sandbox_without_its_lab_is_still_shown(portal, make):
    portal.kubernetes.remove("labs", "lora")
    view = await shown(portal, make.sandbox())
    assert (view.lab_title.en, view.extendable_until) == ("lora", None)


async def test_a_cohorts_usage_counts_a_released_sandbox_once(portal, make):
    body = make.sandbox(status={"usage": {"runningSeconds": 50}})
    body["metadata"]["uid"] = "uid-released"
    portal.kubernetes.put("sandboxes", body)
    room = make.cohort()
    room["status"] |= {"usage": {"runningSeconds": 70}, "released": ["uid-released"]}
    portal.kubernetes.put("cohorts", room)
    await portal.settled()
    view = await portal.container.services.cohorts.get(TEACHER, "class-a")
    assert view.usage.running_seconds == 70
    assert view.sandboxes.total == 1


@pytest.mark.parametrize(
    ("cookie", "accept", "language"),
    [
        (None, None, "en"),
        ("zh", "en", "zh"),
        ("en", "zh-CN", "en"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, "fr;q=0.9, zh-TW", "zh"),
        (None, "en-GB,zh;q=0.1", "en"),
        ("<script>", "zh", "en"),
    ],
)
def test_the_language_of_the_pages(cookie, accept, language):
    assert choose_language(cookie, accept) == language


def test_buckets_fill_again_and_are_one_a_key():
    now = 0.0
    limit = RateLimit(60, clock=lambda: now)
    for _ in range(60):
        limit.take("trainee")
    limit.take("trainee-2")
    with pytest.raises(Exception, match="more often"):
        limit.take("trainee")
    now = 1.0
    limit.take("trainee")
    with pytest.raises(Exception, match="more often") as caught:
        limit.take("trainee")
    assert caught.value.retry_after == pytest.approx(1.0)
