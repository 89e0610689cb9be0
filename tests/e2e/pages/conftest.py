"""The real portal behind a real socket, with fakes for Kubernetes, the Hub and Prometheus."""

import asyncio
import copy
import json
import math
import subprocess
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import uvicorn
from playwright.sync_api import expect, sync_playwright

from practicum_api.names import cohort_namespace, sandbox_name
from practicum_local.browser import ARGUMENTS
from practicum_portal.app import create_app
from practicum_portal.container import Clients
from practicum_portal.database import Database
from practicum_portal.hub import HubAwayError, HubUser
from practicum_portal.identity import Reporter
from practicum_portal.kubernetes import KubernetesAwayError, KubernetesError
from practicum_portal.prometheus import PrometheusAwayError, Sample
from practicum_portal.settings import Settings
from practicum_portal.store import people, sessions
from practicum_portal.views.inputs import FinishDraft, PointsDraft, RunDraft

PORTAL = Path(__file__).parents[3] / "portal"
CHROMIUM = "/usr/bin/chromium"
FLAGS = list(ARGUMENTS)
COHORT = "spring-a"
LONG = "trainee-" + "long" * 20


def stamp(moment):
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class FakeKubernetes:
    """Objects in a dictionary, watched through queues; can be told to be away."""

    def __init__(self):
        self.objects = {}
        self.version = 100
        self.watchers = []
        self.away = False

    def put(self, plural, body, kind="MODIFIED"):
        self.version += 1
        meta = body["metadata"]
        meta["resourceVersion"] = str(self.version)
        meta.setdefault("uid", f"uid-{plural}-{meta.get('namespace', '')}-{meta['name']}")
        meta.setdefault("creationTimestamp", stamp(datetime.now(UTC)))
        key = (plural, meta.get("namespace", ""), meta["name"])
        if kind == "DELETED":
            self.objects.pop(key, None)
        else:
            self.objects[key] = body
        for watched, queue in self.watchers:
            if watched == plural:
                queue.put_nowait({"type": kind, "object": copy.deepcopy(body)})
        return copy.deepcopy(body)

    async def list(self, plural):
        if self.away:
            raise KubernetesAwayError("TimeoutError")
        found = [copy.deepcopy(body) for key, body in self.objects.items() if key[0] == plural]
        return found, str(self.version)

    async def watch(self, plural, version):
        queue = asyncio.Queue()
        self.watchers.append((plural, queue))
        try:
            while True:
                yield await queue.get()
        finally:
            self.watchers.remove((plural, queue))

    async def get(self, plural, name, namespace=""):
        try:
            return copy.deepcopy(self.objects[plural, namespace, name])
        except KeyError:
            raise KubernetesError(404, "NotFound", "not found") from None

    async def create(self, plural, body, namespace=""):
        if self.away:
            raise KubernetesAwayError("TimeoutError")
        body = copy.deepcopy(body)
        if namespace:
            body["metadata"]["namespace"] = namespace
        if (plural, namespace, body["metadata"]["name"]) in self.objects:
            raise KubernetesError(409, "AlreadyExists", "already exists")
        return self.put(plural, body, "ADDED")

    async def patch(self, plural, name, body, namespace=""):
        if self.away:
            raise KubernetesAwayError("TimeoutError")
        stored = await self.get(plural, name, namespace)
        stored["spec"] = {**stored["spec"], **body.get("spec", {})}
        return self.put(plural, stored)

    async def delete(self, plural, name, namespace="", *, uid=""):
        self.put(plural, await self.get(plural, name, namespace), "DELETED")

    async def close(self):
        self.watchers.clear()


class FakeHub:
    """Knows everyone; `admin` is its admin."""

    def __init__(self):
        self.users = set()
        self.away = False

    async def token_for_code(self, code, *, verifier, redirect_uri):
        raise AssertionError("browsers of these tests are signed in already")

    async def token_owner(self, token):
        return None

    async def user(self, name):
        if self.away:
            raise HubAwayError("ConnectError")
        return HubUser(name, admin=name == "admin")

    async def create_users(self, names):
        new = tuple(name for name in names if name not in self.users)
        self.users |= set(names)
        return new

    async def close(self):
        return


class FakePrometheus:
    """Gives the same hours to every question."""

    away = False

    async def query(self, expression):
        if self.away:
            raise PrometheusAwayError("Prometheus does not answer (ConnectError)")
        if "memory" in expression:
            return (Sample({"namespace": cohort_namespace(COHORT)}, 5.4e10),)
        scale = {"running": 1.0, "cpu": 2.0, "accelerator": 0.4}
        factor = next(value for word, value in scale.items() if word in expression)
        hours = {"adapter-tuning": 170.0, "continual": 62.5, "tokens": 21.25}
        return tuple(
            Sample({"cohort": COHORT, "lab": lab, "class": "gpu"}, value * factor * 3600)
            for lab, value in hours.items()
        )

    async def close(self):
        return


READY = [{"type": "Ready", "status": "True", "reason": "Ready"}]


def lab_body(name, title, title_zh, summary, summary_zh, **spec):
    texts = {
        "title": {"en": title, "zh-CN": title_zh},
        "summary": {"en": summary, "zh-CN": summary_zh},
        "image": {"reference": "practicum/sandbox:1"},
    }
    return {"metadata": {"name": name}, "spec": texts | spec, "status": {"conditions": READY}}


def labs():
    return [
        lab_body(
            "adapter-tuning",
            "LoRA against full fine-tuning",
            "LoRA 与全参数微调",
            "Tune a small model both ways, then weigh accuracy against memory, time and the number"
            " of trained parameters.",
            "用两种方式微调一个小模型, 比较准确率、显存、耗时与可训练参数量。",
            module="practice",
            minutes=45,
            skills=["LoRA", "peft", "evaluation"],
            resources={"cpu": "2"},
            runs={"metrics": ["loss", "accuracy"]},
        ),
        lab_body(
            "tokens",
            "Tokens and embeddings by hand",
            "手写分词与词嵌入",
            "Build a tokenizer and an embedding from nothing, and see what a model reads.",
            "从零实现分词器和词嵌入, 看清模型读到的是什么。",
            module="foundations",
            minutes=30,
            skills=["tokenizers", "embeddings"],
        ),
        lab_body(
            "loss-curves",
            "What a loss curve tells",
            "看懂损失曲线",
            "Break a training in six ways and learn to recognise each from its curve.",
            "用六种方式弄坏一次训练, 学会从曲线上认出每一种。",
            module="foundations",
            minutes=40,
            skills=["diagnosis", "optimizers"],
        ),
        lab_body(
            "continual",
            "Continual learning on fresh news",
            "新闻数据上的持续学习",
            "Keep a model current without forgetting what it knew.",
            "让模型跟上新数据, 又不忘记旧知识。",
            module="practice",
            minutes=60,
            skills=["replay", "forgetting"],
            accelerator={"className": "gpu"},
        ),
        lab_body(
            "assistant",
            "A customer-service assistant",
            "搭建客服助手",
            "From raw tickets to a tuned model with an evaluation that management can read.",
            "从原始工单到微调模型, 并给出管理层看得懂的评测。",
            module="case",
            minutes=120,
            skills=["data cleaning", "instruction tuning", "rubrics"],
            accelerator={"className": "gpu"},
        ),
    ]


def cohort_body(name=COHORT, title="Spring intake, group A", offered=None):
    return {
        "metadata": {"name": name},
        "spec": {
            "displayName": title,
            "labs": offered or [lab["metadata"]["name"] for lab in labs()],
            "quota": {
                "sandboxes": 30,
                "cpu": "64",
                "memory": "256Gi",
                "accelerators": [{"className": "gpu", "count": 8, "hours": 400}],
            },
        },
        "status": {
            "namespace": cohort_namespace(name),
            "conditions": READY,
            "accelerator_usage": [],
            "acceleratorUsage": [{"className": "gpu", "seconds": 1_231_200}],
        },
    }


def accelerator_body():
    return {
        "metadata": {"name": "gpu"},
        "spec": {
            "displayName": "A100, one seventh",
            "resourceName": "nvidia.com/mig-1g.10gb",
            "pricePerHour": "1.20",
        },
        "status": {"total": 8, "inUse": 6, "queued": 1, "conditions": READY},
    }


STAGES = ("Queued", "Scheduling", "Preparing", "Starting", "Connecting", "Ready")
SECONDS = (1, 1, 4, 7, 1)


def stages(reached, ago=0):
    """Return the stages up to number ``reached``, which began ``ago`` seconds ago."""
    end = datetime.now(UTC) - timedelta(seconds=ago)
    starts = [end - timedelta(seconds=sum(SECONDS[place:reached])) for place in range(reached + 1)]
    return [
        {"stage": stage, "began": stamp(start)}
        for stage, start in zip(STAGES, starts, strict=False)
    ]


def condition(reason, status="False", message="", kind="Ready"):
    return {"type": kind, "status": status, "reason": reason, "message": message}


def status_of(phase, owner, lab, **fields):
    """Return a status as the operator writes it in a phase."""
    now = datetime.now(UTC)
    accelerator = {"className": "gpu", "resourceName": "nvidia.com/mig-1g.10gb", "count": 1}
    base = {
        "phase": phase,
        "attempt": 1,
        "blueprint": {
            "image": {"reference": "practicum/sandbox:1"},
            "resources": {"cpu": "2"},
            "accelerator": accelerator if lab in {"continual", "assistant"} else None,
        },
        "usage": {"runningSeconds": 9320, "cpuSeconds": 18640},
    }
    host = "".join(letter if letter.isalnum() else "-" for letter in owner)
    by_phase = {
        "Queued": {
            "stages": stages(0, 42),
            "queue": {"position": 2, "reason": "AcceleratorBusy", "message": "8 of 8 in use"},
            "conditions": [condition("AcceleratorBusy")],
        },
        "Starting": {"stages": stages(3, 6), "conditions": [condition("Starting")]},
        "Running": {
            "stages": stages(5, 3000),
            "url": f"http://{host}.practicum.localhost:8000/user/{owner}/{lab}/",
            "startedAt": stamp(now - timedelta(minutes=51)),
            "readyAt": stamp(now - timedelta(minutes=50)),
            "deadline": stamp(now + timedelta(hours=3, minutes=20, seconds=30)),
            "lastActivity": stamp(now - timedelta(minutes=2)),
            "conditions": READY,
        },
        "Suspended": {
            "lastActivity": stamp(now - timedelta(hours=19)),
            "conditions": [condition("Idle")],
        },
        "Stalled": {
            "stages": stages(2, 300),
            "failures": 3,
            "lastActivity": stamp(now - timedelta(hours=2)),
            "conditions": [
                condition("ImageUnavailable"),
                condition(
                    "ImageUnavailable",
                    "True",
                    "registry.example/sandbox:2: not found",
                    "Stalled",
                ),
            ],
        },
    }
    return base | by_phase.get(phase, {}) | fields


class World:
    """The portal in a thread, and what a test may do to what is around it."""

    def __init__(self, folder):
        self.kubernetes = FakeKubernetes()
        self.hub = FakeHub()
        self.prometheus = FakePrometheus()
        self._folder = folder
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.url = ""
        self.failure = None

    def start(self):
        self._thread.start()
        assert self._ready.wait(30), "the portal did not start"
        if self.failure is not None:
            raise self.failure
        return self

    def stop(self):
        self.loop.call_soon_threadsafe(self._stop)
        self._thread.join(30)

    def _stop(self):
        self.container.streams.stop()
        self._server.should_exit = True

    async def _serve(self):
        self.loop = asyncio.get_running_loop()
        try:
            await self._serve_until_told()
        except BaseException as error:
            self.failure = error
            self._ready.set()
            raise

    async def _serve_until_told(self):
        import socket

        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = Settings(
            public_url=self.url,
            hub_public_url="http://hub.practicum.localhost:9",
            hub_token="token-of-tests",
            session_key="k" * 32,
            metrics_port=0,
            host="127.0.0.1",
            database_url=f"sqlite:///{self._folder}/portal.db",
            starts_per_minute=1000,
            imports_per_minute=1000,
            reports_per_minute=10000,
        )
        clients = Clients(
            kubernetes=self.kubernetes,
            hub=self.hub,
            prometheus=self.prometheus,
            database=Database(settings.database_url),
        )
        app = create_app(settings, clients)
        self.container = app.state.container
        config = uvicorn.Config(app, log_level="warning", log_config=None, lifespan="on")
        self._server = uvicorn.Server(config)
        serving = asyncio.create_task(self._server.serve([listener]))
        while not (self._server.started and self.container.cluster.synced):
            if serving.done():
                await serving
            await asyncio.sleep(0.02)
        self._ready.set()
        with suppress(asyncio.CancelledError):
            await serving

    def run(self, coroutine):
        """Run a coroutine in the portal's loop and return what it returns."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def end_streams(self):
        """End all streams as a restart does, and let new ones begin."""

        async def end():
            streams = self.container.streams
            streams.stop()
            while streams._open:  # noqa: ASYNC110 - there is nothing to wait on
                await asyncio.sleep(0.01)
            streams._stopping.clear()

        self.run(end())

    def put(self, plural, body, kind="MODIFIED"):
        async def put():
            return self.kubernetes.put(plural, copy.deepcopy(body), kind)

        return self.run(put())

    def sandbox(self, owner, lab, phase=None, cohort=COHORT, **fields):
        """Set a sandbox of ``owner``; without a phase the operator has not seen it."""
        name = sandbox_name(owner, lab)
        namespace = cohort_namespace(cohort)
        wanted = "Suspended" if phase == "Suspended" else "Running"
        body = {
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"owner": owner, "lab": lab, "desiredState": wanted},
            "status": status_of(phase, owner, lab, **fields) if phase else {},
        }
        return self.put("sandboxes", body)

    def stored(self, owner, lab, cohort=COHORT):
        """Return a sandbox as Kubernetes has it, or None."""
        key = ("sandboxes", cohort_namespace(cohort), sandbox_name(owner, lab))
        return self.kubernetes.objects.get(key)

    def enrol(self, roles, names=None, cohort=COHORT):
        """Put people on a roster."""
        uid = self.kubernetes.objects["cohorts", "", cohort]["metadata"]["uid"]
        entries = [
            people.Entry(user, role, (names or {}).get(user, "")) for user, role in roles.items()
        ]

        async def enrol():
            async with self.container.clients.database.write() as session:
                await people.enrol(
                    session,
                    uid=uid,
                    cohort=cohort,
                    entries=entries,
                    by="admin",
                    now=datetime.now(UTC) - timedelta(days=9),
                )

        self.run(enrol())

    def sign_in(self, user):
        """Return the secret of a new session."""
        secret = f"session-of-{user}"
        now = datetime.now(UTC)

        async def add():
            async with self.container.clients.database.write() as session:
                await sessions.remove(session, secret=secret)
                await sessions.add(
                    session, secret=secret, user=user, now=now, expires=now + timedelta(hours=8)
                )

        self.run(add())
        return secret

    def report(
        self, owner, lab, run_id, name, points, config=None, finish="", summary=None, ago=900
    ):
        """Report a run from a sandbox that is there."""
        reporter = Reporter(owner=owner, server=lab)
        reports = self.container.services.reports
        begun = datetime.now(UTC) - timedelta(seconds=ago)

        async def report():
            draft = RunDraft(
                name=name,
                config=config or {},
                started_at=begun,
                environment={
                    "image": "practicum/sandbox@sha256:4f1c9d2e",
                    "python": "3.13.1",
                    "seed": 7,
                    "packages": {"torch": "2.9.1", "peft": "0.18.0"},
                },
            )
            await reports.create(reporter, run_id, draft)
            if points:
                await reports.append(reporter, run_id, PointsDraft(points=tuple(points)))
            if finish:
                await reports.finish(
                    reporter, run_id, FinishDraft(state=finish, summary=summary or {})
                )

        self.run(report())

    def append(self, owner, lab, run_id, points):
        """Send more points of a run."""
        reporter = Reporter(owner=owner, server=lab)
        draft = PointsDraft(points=tuple(points))
        self.run(self.container.services.reports.append(reporter, run_id, draft))


def points(count, floor, start, wobble=0.05, nan=(), first=0, accuracy=None):
    """Return points of a training that goes from ``start`` to ``floor``."""
    found = []
    base = datetime.now(UTC).timestamp() - 800
    for index in range(first, count):
        decay = math.exp(-5 * index / 160)
        loss = floor + (start - floor) * decay + wobble * math.sin(index * 2.3) * (decay + 0.25)
        loss += wobble * 0.6 * math.sin(index * 7.1) * (decay + 0.2)
        values = {"loss": "NaN" if index in nan else round(loss, 5)}
        if accuracy and index % 10 == 9:
            values["accuracy"] = round(accuracy - (accuracy - 0.5) * math.exp(-index / 30), 4)
        found.append(
            {"seq": index, "step": (index + 1) * 5, "time": base + index * 0.7, "values": values}
        )
    return found


def furnish(world):
    """Fill the world as a cohort in the middle of its course looks."""
    world.put("acceleratorclasses", accelerator_body())
    for lab in labs():
        world.put("labs", lab)
    world.put("cohorts", cohort_body())
    roles = {"instructor": "instructor", "trainee": "trainee", "trainee-2": "trainee"}
    odd = {f"trainee-{number}": "trainee" for number in range(3, 13)}
    odd |= {"trainee@example.org": "trainee", "学员十三": "trainee", LONG: "trainee"}
    world.enrol(roles | odd)
    lab = "adapter-tuning"
    world.sandbox("trainee", lab, "Running")
    world.sandbox("trainee", "tokens", "Suspended")
    world.sandbox("trainee", "continual", "Queued")
    world.sandbox("trainee-2", lab, "Stalled")
    world.sandbox("trainee-3", lab, "Running")
    world.sandbox("trainee-4", lab, "Starting")
    world.sandbox("trainee-5", "continual", "Queued")
    world.sandbox("trainee-6", lab, "Running")
    world.sandbox("trainee-7", "tokens", "Suspended", conditions=[condition("OutOfMemory")])
    world.sandbox("trainee@example.org", lab, "Running")
    world.sandbox("学员十三", "tokens", "Running")
    world.sandbox(LONG, lab, "Suspended")
    report_runs(world, lab)


def report_runs(world, lab):
    """Report the runs of the furnished world."""
    lora = {"method": "lora", "lr": 2e-4, "lora": {"rank": 8, "alpha": 16}, "batch_size": 16}
    full = {"method": "full", "lr": 2e-5, "batch_size": 16}
    done = {"accuracy": 0.8734, "trainable_parameters": 294912, "seconds": 96.4}
    world.report(
        "trainee",
        lab,
        "run-lora-r8",
        "LoRA, rank 8",
        points(160, 0.31, 1.12, accuracy=0.875),
        lora,
        "finished",
        done,
        ago=5400,
    )
    world.report(
        "trainee",
        lab,
        "run-full-ft",
        "Full fine-tuning",
        points(160, 0.27, 1.08, accuracy=0.881),
        full,
        "finished",
        done | {"accuracy": 0.8801, "trainable_parameters": 22713216},
        ago=4300,
    )
    world.report(
        "trainee",
        lab,
        "run-too-hot",
        "LoRA, lr 0.02",
        points(60, 0.9, 1.2, wobble=0.3, nan=range(41, 60)),
        lora | {"lr": 0.02},
        "failed",
        ago=2100,
    )
    world.report(
        "trainee",
        lab,
        "run-live-r16",
        "LoRA, rank 16",
        points(70, 0.29, 1.1, accuracy=0.88),
        lora | {"lora": {"rank": 16, "alpha": 32}},
        ago=70,
    )
    world.report(
        "trainee-3",
        lab,
        "run-third-1",
        "warm-up 0.1",
        points(120, 0.34, 1.1, accuracy=0.86),
        lora,
        ago=300,
    )
    world.report(
        "trainee@example.org",
        lab,
        "run-at-sign",
        "学习率扫描 lr=1e-4",
        points(160, 0.36, 1.15),
        lora,
        "finished",
        done,
        ago=900,
    )


@pytest.fixture
def world(tmp_path):
    """A furnished portal of the test's own."""
    made = World(tmp_path).start()
    furnish(made)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A furnished portal for tests that only look."""
    made = World(tmp_path_factory.mktemp("portal")).start()
    furnish(made)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def chromium():
    """The browser; gone after the module, since its event loop would be in the way of others."""
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """Open a page as someone: `visit(world, "/path", "trainee", language="zh")`."""
    tabs = []

    def open_page(world, path, user=None, **options):
        page = open_tab(chromium, world, user, **options)
        tabs.append(page)
        page.goto(world.url + path)
        return page

    yield open_page
    for page in tabs:
        print(page.url, page.complaints)  # noqa: T201 - shown when the test failed
        page.context.close()


def open_tab(
    browser, world, user=None, *, language="en", dark=False, width=1280, height=900, js=True
):
    """Return an empty tab; what its console says is in `page.complaints`."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        locale="zh-CN" if language == "zh" else "en-GB",
        java_script_enabled=js,
    )
    if user:
        secret = world.sign_in(user)
        context.add_cookies([{"name": "practicum", "value": secret, "url": world.url}])
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.complaints = []
    page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    return page


@pytest.fixture(scope="session")
def axe():
    """The accessibility checker from the npm package, as one script."""
    script = PORTAL / "node_modules" / "axe-core" / "axe.min.js"
    locked = json.loads((PORTAL / "package-lock.json").read_text())
    wanted = locked["packages"]["node_modules/axe-core"]["version"]
    manifest = script.with_name("package.json")
    if not manifest.exists() or json.loads(manifest.read_text())["version"] != wanted:
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=PORTAL, check=True)
    return script.read_text()


@pytest.fixture(scope="session")
def making():
    """What tests need of this file, which they can't import."""
    return SimpleNamespace(
        COHORT=COHORT,
        LONG=LONG,
        points=points,
        status_of=status_of,
        condition=condition,
        World=World,
        furnish=furnish,
        open_tab=open_tab,
    )
