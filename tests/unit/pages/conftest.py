"""Sample views with the names that break pages: `@`, Chinese, and far too long."""

import math
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from practicum_api.lab import Module
from practicum_api.sandbox import DesiredState, Phase, Stage
from practicum_portal.identity import Person, Role
from practicum_portal.pages.frames import Frame
from practicum_portal.views.base import LocalText, Page, State
from practicum_portal.views.cohorts import (
    AcceleratorQuotaView,
    CohortView,
    MemberView,
    QuotaView,
    RosterProblem,
    RosterReport,
    RunNote,
    SandboxTotals,
    TableRow,
)
from practicum_portal.views.labs import LabOffer, LabView
from practicum_portal.views.runs import (
    CompareView,
    CurvesView,
    CurveView,
    Difference,
    LatestRun,
    MetricRow,
    MetricView,
    RunState,
    RunView,
)
from practicum_portal.views.sandboxes import (
    Action,
    QueueView,
    SandboxView,
    StageState,
    StageView,
    UsageFigures,
)
from practicum_portal.views.usage import (
    AcceleratorView,
    CohortUsageView,
    LabUsageRow,
    UsageRow,
    UsageView,
)

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
OWNERS = ("trainee", "trainee@example.org", "学员二号", "trainee-" + "long" * 25)
STAGES = tuple(Stage)


def minutes(count):
    return timedelta(minutes=count)


def make_lab(name="adapter-tuning", **fields):
    values = {
        "name": name,
        "title": LocalText(en="LoRA against full fine-tuning", zh="LoRA 与全参数微调的对比"),
        "summary": LocalText(
            en="Tune a small model both ways and weigh quality against memory and time.",
            zh="用两种方式微调一个小模型, 比较效果与显存。",
        ),
        "module": Module.PRACTICE,
        "skills": ("LoRA", "peft", "evaluation"),
        "minutes": 45,
        "image": "practicum/sandbox",
        "cpu": "2",
        "memory": "4Gi",
        "workspace": "5Gi",
        "max_duration": "8h",
        "idle_duration": "1h",
        "extension": "2h",
        "metrics": ("loss", "accuracy"),
        "state": State(ready=True, reason="Ready"),
    }
    return LabView(**(values | fields))


def make_stages(current, seconds=(2.0, 1.0, 4.0, 6.0, 1.0)):
    found = []
    for index, stage in enumerate(STAGES):
        if index < current:
            found.append(StageView(stage=stage, state=StageState.DONE, seconds=seconds[index]))
        elif index == current:
            began = NOW - timedelta(seconds=8)
            found.append(StageView(stage=stage, state=StageState.CURRENT, began=began))
        else:
            found.append(StageView(stage=stage, state=StageState.WAITING))
    return tuple(found)


def make_sandbox(phase=Phase.RUNNING, lab="adapter-tuning", **fields):
    by_phase = {
        Phase.RUNNING: {
            "actions": (
                Action.OPEN,
                Action.SUSPEND,
                Action.EXTEND,
                Action.RESTART,
                Action.RESET,
                Action.DELETE,
            ),
            "url": "http://trainee.practicum.localhost:8000/user/trainee/adapter-tuning/",
            "deadline": NOW + minutes(200),
            "reason": "Ready",
            "stages": tuple(
                StageView(stage=stage, state=StageState.DONE, seconds=2.5) for stage in STAGES
            ),
        },
        Phase.STARTING: {
            "actions": (Action.SUSPEND, Action.DELETE),
            "stages": make_stages(3),
            "reason": "Starting",
        },
        Phase.QUEUED: {
            "actions": (Action.SUSPEND, Action.DELETE),
            "stages": make_stages(0),
            "queue": QueueView(position=3, reason="AcceleratorBusy", message="3 of 7"),
            "reason": "AcceleratorBusy",
        },
        Phase.SUSPENDED: {
            "actions": (Action.START, Action.RESET, Action.DELETE),
            "desired_state": DesiredState.SUSPENDED,
            "reason": "Idle",
        },
        Phase.STALLED: {
            "actions": (Action.START, Action.RESTART, Action.RESET, Action.DELETE),
            "reason": "ImageUnavailable",
            "message": "registry.invalid/sandbox:1: not found",
            "last_error": "ImageUnavailable",
            "failures": 3,
        },
        Phase.PENDING: {"reason": "UnknownAcceleratorClass", "actions": (Action.DELETE,)},
        Phase.SUSPENDING: {"reason": "Suspending"},
        Phase.TERMINATING: {"reason": "Terminating"},
    }
    values = {
        "cohort": "spring-a",
        "name": f"trainee-{lab}",
        "uid": f"uid-{lab}",
        "version": "7",
        "owner": "trainee",
        "lab": lab,
        "lab_title": make_lab().title,
        "server": lab,
        "phase": phase,
        "desired_state": DesiredState.RUNNING,
        "created_at": NOW - timedelta(days=2),
        "started_at": NOW - minutes(40),
        "ready_at": NOW - minutes(39),
        "last_activity": NOW - minutes(3),
        "idle_after": "1h",
        "attempt": 4,
        "usage": UsageFigures(running_seconds=9320, cpu_seconds=18640, accelerator_seconds=0),
    }
    return SandboxView(**(values | by_phase[phase] | fields))


def make_curve(metric="loss", count=120, start=2.4, gap=()):
    steps = tuple(range(0, count * 10, 10))
    values = tuple(
        None
        if index in gap
        else round(
            0.35
            + start * math.exp(-index / (count / 5))
            + 0.06 * math.sin(index * 1.7) * math.exp(-index / count)
            + 0.03 * math.sin(index * 5.3),
            5,
        )
        for index in range(count)
    )
    return CurveView(
        metric=metric, steps=steps, values=values, times=tuple(float(step) for step in steps)
    )


def make_run(run_id="run-1", **fields):
    values = {
        "id": run_id,
        "name": "lora r=8",
        "cohort": "spring-a",
        "lab": "adapter-tuning",
        "lab_title": make_lab().title,
        "owner": "trainee",
        "sandbox": "trainee-adapter-tuning",
        "state": RunState.FINISHED,
        "config": {"lr": 2e-4, "lora": {"rank": 8, "alpha": 16}, "batch_size": 16, "fp16": False},
        "environment": {"image": "sha256:4f1c", "python": "3.13.1", "seed": 7},
        "summary": {"accuracy": 0.8125, "trainable_parameters": 294912},
        "metrics": (
            MetricView(name="loss", count=120, last=0.3871, last_text="0.3871", min=0.36, max=2.7),
            MetricView(
                name="accuracy", count=12, last=0.8125, last_text="0.8125", min=0.5, max=0.82
            ),
        ),
        "points": 132,
        "position": 9,
        "started_at": NOW - minutes(18),
        "finished_at": NOW - minutes(16),
        "last_point_at": NOW - minutes(16),
    }
    return RunView(**(values | fields))


def make_latest(**fields):
    run = make_run()
    values = {"id": run.id, "name": run.name, "cohort": run.cohort, "sandbox": run.sandbox}
    return LatestRun(**(values | {"metric": run.metrics[0]} | fields))


def make_curves(run_id="run-1", **fields):
    return CurvesView(
        run=run_id, curves=(make_curve(**fields), make_curve("accuracy", 12, -0.3)), position=9
    )


def make_cohort(**fields):
    values = {
        "name": "spring-a",
        "uid": "uid-spring-a",
        "display_name": "Spring intake, group A 春季一班",
        "role": Role.INSTRUCTOR,
        "labs": ("adapter-tuning", "tokens"),
        "quota": QuotaView(
            sandboxes=30,
            cpu="64",
            memory="256Gi",
            accelerators=(
                AcceleratorQuotaView(class_name="gpu", count=8, hours=400, used_hours=361.5),
            ),
        ),
        "members": 24,
        "sandboxes": SandboxTotals(total=20, running=14, starting=2, queued=1, stalled=1),
        "state": State(ready=True, reason="Ready"),
    }
    return CohortView(**(values | fields))


def make_rows():
    def row(user, sandbox=None, **fields):
        return TableRow(user=user, role=Role.TRAINEE, sandbox=sandbox, **fields)

    note = RunNote(id="run-1", name="lora r=8", state="running", metric="loss", value=0.41)
    return (
        row("trainee", make_sandbox(), name="Trainee One", run=note),
        row(OWNERS[1], make_sandbox(Phase.STALLED, owner=OWNERS[1], name="b")),
        row(
            OWNERS[2], make_sandbox(Phase.QUEUED, owner=OWNERS[2], name="c", accelerator="1 x GPU")
        ),
        row(
            OWNERS[3],
            make_sandbox(
                Phase.STARTING, owner=OWNERS[3], name="d", failures=1, last_error="NodeLost"
            ),
        ),
        row(
            "trainee-2", make_sandbox(Phase.SUSPENDED, owner="trainee-2", name="e"), on_roster=False
        ),
        row("trainee-3"),
    )


def make_report(**fields):
    values = {
        "dry_run": True,
        "applied": False,
        "encoding": "gb18030",
        "rows": 5,
        "created": ("trainee", "学员二号"),
        "updated": ("trainee-2",),
        "removed": ("trainee-3",),
        "skipped": 1,
        "errors": (
            RosterProblem(
                row=4,
                column="user",
                code="missing",
                message="The user name is missing.",
                hint="Write the name that the person signs in with.",
            ),
        ),
        "warnings": (
            RosterProblem(
                row=0,
                column="",
                code="encoding",
                value="gb18030",
                message="The file is not UTF-8; it was read as GBK.",
                hint="Look whether the names are right. If not: In the spreadsheet choose “Save as”"
                " and the type “CSV UTF-8”.",
            ),
        ),
    }
    return RosterReport(**(values | fields))


def make_person(name="trainee", **fields):
    values = {"csrf_token": "csrf-sample", "memberships": {"spring-a": Role.TRAINEE}}
    return Person(name=name, **(values | fields))


def make_frame(language="en", person=None, path="/", **fields):
    return Frame(
        language=language,
        path=path,
        person=person,
        hub_url="http://practicum.localhost:8000",
        now=NOW,
        **fields,
    )


def make_usage(**fields):
    row = UsageRow(
        cohort="spring-a",
        display_name="Spring intake",
        running=14,
        queued=1,
        running_hours=212.4,
        cpu_hours=424.8,
        accelerator_hours=88.2,
        cost=176.4,
        memory_bytes=5.1e10,
    )
    other = UsageRow(cohort="autumn", display_name="", running=0, running_hours=18.5)
    return UsageView(**({"period": "7d", "available": True, "rows": (row, other)} | fields))


def make_cohort_usage(**fields):
    total = make_usage().rows[0]
    labs = (
        LabUsageRow(
            lab="adapter-tuning", running_hours=170.1, cpu_hours=340.2, accelerator_hours=88.2
        ),
        LabUsageRow(lab="tokens", running_hours=42.3),
    )
    values = {"cohort": "spring-a", "period": "7d", "available": True, "total": total, "labs": labs}
    return CohortUsageView(**(values | fields))


def make_accelerator(**fields):
    values = {
        "name": "gpu",
        "display_name": "Whole GPU",
        "resource_name": "nvidia.com/gpu",
        "mode": "Fixed",
        "total": 8,
        "in_use": 6,
        "queued": 3,
        "price_per_hour": "2.00",
        "state": State(ready=True, reason="Ready"),
    }
    return AcceleratorView(**(values | fields))


def make_member(user="trainee", **fields):
    values = {"role": Role.TRAINEE, "added_at": NOW - timedelta(days=9)}
    return MemberView(user=user, **(values | fields))


def make_offer(sandbox=None, **fields):
    values = {
        "lab": make_lab(),
        "cohort": "spring-a",
        "cohort_title": "Spring intake",
        "startable": True,
    }
    return LabOffer(sandbox=sandbox, **(values | fields))


def make_compare():
    runs = (make_run(), make_run("run-2", name="full fine-tuning", config={"lr": 2e-5}))
    return CompareView(
        runs=runs,
        differences=(
            Difference(key="config.lr", values=(2e-4, 2e-5)),
            Difference(key="config.lora.rank", values=(8, None)),
        ),
        metrics=(MetricRow(metric="loss", last=(0.387, 0.402), min=(0.36, 0.37), max=(2.7, 2.2)),),
        curves=(make_curves(), make_curves("run-2", start=1.9)),
    )


def make_page(*items, following=None):
    return Page(items=items, next=following)


@pytest.fixture(scope="session")
def samples():
    """The makers above, for tests that can't import a conftest."""
    names = {name: value for name, value in globals().items() if name.startswith("make_")}
    return SimpleNamespace(NOW=NOW, OWNERS=OWNERS, **names)
