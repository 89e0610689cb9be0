"""Runs at the API: sandboxes report, people look."""

import asyncio
import base64
import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from practicum_portal import retention
from practicum_portal.cluster import Cluster
from practicum_portal.database import Database
from practicum_portal.identity import Person
from practicum_portal.models import CohortRow, MembershipRow, PointRow, RunRow

RUN = "run00001"


def point(seq, loss=None, **values):
    metrics = {"loss": loss, **values} if loss is not None else values
    return {"seq": seq, "step": seq * 10, "time": 1772442000.0 + seq, "values": metrics}


@pytest.fixture
async def reporter(portal, make):
    """A trainee's sandbox that has begun a run."""
    portal.kubernetes.put("sandboxes", make.sandbox())
    await portal.settled()
    client = portal.sandbox_client("trainee", "lora")
    response = await client.put(
        f"/api/v1/runs/{RUN}", json={"name": "first", "config": {"lr": 0.1}}
    )
    assert response.status_code == 200, response.text
    return client


async def send(client, *points, run=RUN):
    return await client.post(f"/api/v1/runs/{run}/points", json={"points": list(points)})


async def test_cohort_lab_and_owner_come_from_the_token(portal, reporter):
    trainee = await portal.sign_in("trainee")
    run = (await trainee.get(f"/api/v1/runs/{RUN}")).json()
    assert (run["cohort"], run["lab"], run["owner"], run["sandbox"]) == (
        "class-a",
        "lora",
        "trainee",
        "trainee--lora",
    )
    assert run["config"] == {"lr": 0.1}
    assert run["state"] == "running"


async def test_sent_twice_counts_once(portal, reporter):
    first = (await send(reporter, point(0, 2.0), point(1, 1.5))).json()
    again = (await send(reporter, point(1, 9.0), point(2, 1.2))).json()
    assert (first["accepted"], again["accepted"], again["repeated"]) == (2, 1, 1)
    assert (again["points"], again["last_seq"]) == (3, 2)
    trainee = await portal.sign_in("trainee")
    (curve,) = (await trainee.get(f"/api/v1/runs/{RUN}/curves")).json()["curves"]
    assert curve["values"] == [2.0, 1.5, 1.2]


async def test_a_run_can_be_created_twice_and_stays_as_it_is(reporter):
    response = await reporter.put(f"/api/v1/runs/{RUN}", json={"name": "second"})
    assert (response.status_code, response.json()["name"]) == (200, "first")


async def test_out_of_order_and_late_points_are_kept(portal, reporter):
    await send(reporter, point(5, 0.5))
    await reporter.post(f"/api/v1/runs/{RUN}/finish", json={"state": "finished"})
    late = (await send(reporter, point(1, 3.0), point(2, 2.0))).json()
    assert late["accepted"] == 2
    trainee = await portal.sign_in("trainee")
    run = (await trainee.get(f"/api/v1/runs/{RUN}")).json()
    (loss,) = run["metrics"]
    assert (run["state"], loss["last"], loss["min"], loss["max"]) == ("finished", 0.5, 0.5, 3.0)
    points = (await trainee.get(f"/api/v1/runs/{RUN}/points?after=1")).json()
    assert [item["seq"] for item in points["points"]] == [1, 2]


async def test_nan_is_a_value_like_any_other(portal, reporter):
    await send(reporter, point(0, 1.0), point(1, "NaN"), point(2, "-Infinity", accuracy=0.5))
    trainee = await portal.sign_in("trainee")
    run = (await trainee.get(f"/api/v1/runs/{RUN}")).json()
    accuracy, loss = run["metrics"]
    assert (accuracy["name"], accuracy["tracked"]) == ("accuracy", True)
    assert (loss["last"], loss["last_text"], loss["not_finite"]) == (None, "-Infinity", 2)
    assert (loss["min"], loss["max"]) == (1.0, 1.0)
    points = (await trainee.get(f"/api/v1/runs/{RUN}/points")).json()["points"]
    assert [item["values"]["loss"] for item in points] == [1.0, "NaN", "-Infinity"]
    curves = (await trainee.get(f"/api/v1/runs/{RUN}/curves")).json()["curves"]
    assert curves[1]["values"] == [1.0, None, None]


async def test_bare_nan_tokens_of_pythons_json_are_understood(reporter):
    content = json.dumps({"points": [point(0, float("nan"))]})
    assert "NaN" in content
    response = await reporter.post(
        f"/api/v1/runs/{RUN}/points",
        content=content,
        headers={"Content-Type": "application/json"},
    )
    assert response.json()["accepted"] == 1


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"seq": -1, "step": 0, "time": 0, "values": {"loss": 1}}, "points.0.seq"),
        ({"seq": 0, "step": 0, "time": "NaN", "values": {"loss": 1}}, "points.0.time"),
        ({"seq": 0, "step": 0, "time": 0, "values": {}}, "points.0.values"),
        ({"seq": 0, "step": 0, "time": 0, "values": {"loss": "low"}}, "points.0.values.loss"),
        ({"seq": 2**63, "step": 0, "time": 0, "values": {"loss": 1}}, "points.0.seq"),
    ],
)
async def test_a_bad_point_is_named(reporter, bad, field):
    response = await send(reporter, bad)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field


async def test_limits_of_the_lab_hold_and_nothing_of_the_request_is_kept(portal, reporter, make):
    portal.kubernetes.put("labs", make.lab(runs={"metrics": ["loss"], "maxPoints": 100}))
    await portal.settled()
    await send(reporter, *[point(seq, 1.0) for seq in range(99)])
    response = await send(reporter, point(99, 1.0), point(100, 1.0))
    assert (response.status_code, response.json()["code"]) == (409, "run-full")
    assert (await send(reporter, point(99, 1.0))).json()["points"] == 100


async def test_metrics_and_sizes_are_bounded(portal, reporter):
    many = {f"m{number}": 1.0 for number in range(101)}
    assert (await send(reporter, point(0, **many))).json()["code"] == "too-many-metrics"
    assert (await send(reporter, *[point(0, 1.0)] * 1001)).status_code == 413
    huge = {"config": {f"k{number}": "x" * 3000 for number in range(40)}}
    assert (await reporter.put("/api/v1/runs/run00002", json=huge)).status_code == 413
    trainee = await portal.sign_in("trainee")
    run = (await trainee.get(f"/api/v1/runs/{RUN}")).json()
    assert (run["points"], run["metrics"]) == (0, [])


async def test_a_summary_is_bounded_over_all_its_requests(portal, reporter):
    url = f"/api/v1/runs/{RUN}/finish"
    for part in range(6):
        summary = {f"{part}-{number}": "x" * 3000 for number in range(4)}
        response = await reporter.post(url, json={"state": "finished", "summary": summary})
        assert response.status_code == (200 if part < 5 else 413), part
    trainee = await portal.sign_in("trainee")
    run = (await trainee.get(f"/api/v1/runs/{RUN}")).json()
    assert (run["state"], len(run["summary"])) == ("finished", 20)


async def test_odd_text_in_a_config_is_kept_as_far_as_databases_can(portal, reporter):
    config = {"名字": "a\x00b", "half": "\ud800", "deep": {"a": {"b": [1, float("inf")]}}}
    response = await reporter.put(
        "/api/v1/runs/run00003",
        content=json.dumps({"name": "实验\x00", "config": config}),
        headers={"Content-Type": "application/json"},
    )
    assert response.status_code == 200, response.text
    assert response.json()["config"] == {
        "名字": "ab",
        "half": "?",
        "deep": {"a": {"b": [1, "Infinity"]}},
    }


async def test_a_sandbox_token_is_good_for_its_own_runs_alone(portal, reporter, make):
    portal.kubernetes.put("sandboxes", make.sandbox(owner="trainee-2"))
    await portal.settled()
    other = portal.sandbox_client("trainee-2", "lora")
    for response in (
        await other.put(f"/api/v1/runs/{RUN}", json={}),
        await send(other, point(0, 1.0)),
        await other.post(f"/api/v1/runs/{RUN}/finish", json={"state": "failed"}),
    ):
        assert (response.status_code, response.json()["code"]) == (409, "run-id-taken")
    for method, path in (
        ("GET", "/me"),
        ("GET", f"/runs/{RUN}"),
        ("GET", "/sandboxes"),
        ("POST", "/sandboxes"),
        ("DELETE", "/sandboxes/class-a/trainee--lora"),
    ):
        body = {"cohort": "class-a", "lab": "lora"} if method == "POST" else None
        response = await reporter.request(method, f"/api/v1{path}", json=body)
        assert (response.status_code, response.json()["code"]) == (403, "token-scope"), path


async def test_a_persons_token_reports_nothing(portal, reporter):
    for scope in ("access:services!service=portal", "custom:practicum:report"):
        person = portal.bearer("trainee", scope)
        assert (await send(person, point(0, 1.0))).status_code == 403


async def test_another_users_server_in_a_scope_is_not_believed(portal, reporter):
    forged = portal.bearer("trainee-2", "custom:practicum:report!server=trainee/lora")
    assert (await send(forged, point(0, 1.0))).status_code == 403


async def test_a_sandbox_that_is_gone_begins_no_run_but_its_last_points_arrive(portal, reporter):
    portal.kubernetes.remove("sandboxes", "trainee--lora", "practicum-class-a")
    await portal.settled()
    response = await reporter.put("/api/v1/runs/run00009", json={})
    assert (response.status_code, response.json()["code"]) == (404, "sandbox-unknown")
    assert (await send(reporter, point(0, 1.0))).status_code == 200


async def test_points_of_an_unknown_run_say_what_to_do(reporter):
    response = await send(reporter, point(0, 1.0), run="nosuchrun1")
    assert (response.status_code, response.json()["code"]) == (404, "run-unknown")


async def test_who_sees_which_runs(portal, reporter, on_roster):
    await on_roster(portal, "class-b", **{"teacher-b": "instructor"})
    seen = {}
    for name, facts in (
        ("trainee", {}),
        ("instructor", {}),
        ("admin", {"admin": True}),
        ("trainee-2", {}),
        ("teacher-b", {}),
    ):
        person = await portal.sign_in(name, **facts)
        listed = (await person.get("/api/v1/runs")).json()["items"]
        one = (await person.get(f"/api/v1/runs/{RUN}")).status_code
        seen[name] = (len(listed), one)
    assert seen == {
        "trainee": (1, 200),
        "instructor": (1, 200),
        "admin": (1, 200),
        "trainee-2": (0, 404),
        "teacher-b": (0, 404),
    }


async def test_a_cohort_made_anew_does_not_inherit_runs(portal, reporter, make, on_roster):
    portal.kubernetes.remove("cohorts", "class-a")
    body = make.cohort()
    body["metadata"]["uid"] = "uid-another"
    portal.kubernetes.put("cohorts", body)
    await portal.settled()
    instructor = await portal.sign_in("instructor", groups=())
    assert (await instructor.get("/api/v1/runs")).json()["items"] == []
    trainee = await portal.sign_in("trainee")
    assert len((await trainee.get("/api/v1/runs")).json()["items"]) == 1


async def test_lists_come_in_pages(portal, reporter):
    for number in range(5):
        await reporter.put(f"/api/v1/runs/page000{number}", json={"name": str(number)})
    trainee = await portal.sign_in("trainee")
    names, cursor = [], ""
    while cursor is not None:
        body = (await trainee.get(f"/api/v1/runs?limit=2{cursor and '&cursor=' + cursor}")).json()
        names += [run["name"] for run in body["items"]]
        cursor = body["next"]
    assert names == ["4", "3", "2", "1", "0", "first"]
    bad = await trainee.get("/api/v1/runs?cursor=zzz")
    assert (bad.status_code, bad.json()["code"]) == (400, "bad-cursor")


async def test_compare_lays_runs_side_by_side(portal, reporter):
    await reporter.put("/api/v1/runs/run00002", json={"config": {"lr": 0.1, "lora": {"rank": 8}}})
    await send(reporter, point(0, 2.0), point(1, 1.0))
    await send(reporter, point(0, 3.0), run="run00002")
    trainee = await portal.sign_in("trainee")
    body = (await trainee.get(f"/api/v1/runs/compare?ids={RUN},run00002")).json()
    assert body["differences"] == [{"key": "config.lora.rank", "values": [None, 8]}]
    assert body["metrics"][0]["last"] == [1.0, 3.0]
    assert [curves["curves"][0]["values"] for curves in body["curves"]] == [[2.0, 1.0], [3.0]]
    other = await portal.sign_in("trainee-2")
    assert (await other.get(f"/api/v1/runs/compare?ids={RUN}")).status_code == 404


async def test_long_runs_are_thinned_and_keep_their_extremes(portal, reporter):
    for start in range(0, 5000, 1000):
        points = []
        for seq in range(start, start + 1000):
            values = {"loss": 99.0 if seq == 3210 else 1.0}
            if seq % 100 == 99:
                values["accuracy"] = seq / 5000
            points.append(point(seq, **values))
        assert (await send(reporter, *points)).status_code == 200
    trainee = await portal.sign_in("trainee")
    body = (await trainee.get(f"/api/v1/runs/{RUN}/curves")).json()
    accuracy, loss = body["curves"]
    assert body["thinned"]
    assert len(loss["steps"]) <= 2000
    assert loss["steps"] == sorted(loss["steps"])
    assert max(loss["values"]) == 99.0
    assert len(accuracy["values"]) == 50
    (listed,) = (await trainee.get("/api/v1/runs")).json()["items"]
    assert (listed["preview"]["metric"], len(listed["preview"]["steps"])) == ("accuracy", 25)
    page = (await trainee.get(f"/api/v1/runs/{RUN}/points?limit=1500")).json()
    assert (len(page["points"]), page["next"], page["more"]) == (1000, 1, True)


async def test_drawn_curves_are_kept_once_a_run_and_within_bounds(portal, reporter, monkeypatch):
    monkeypatch.setattr("practicum_portal.services.runs._REMEMBERED", 8)
    trainee = await portal.sign_in("trainee")
    kept = portal.container.services.runs._drawn

    async def look(run):
        portal.statements.clear()
        body = (await trainee.get(f"/api/v1/runs/{run}/curves")).json()
        drawn = any("points" in text.partition("FROM")[2] for text in portal.statements)
        return len(body["curves"][0]["values"]), drawn

    for seq in range(5):
        await send(reporter, point(seq, 1.0))
        assert await look(RUN) == (seq + 1, True)
    assert await look(RUN) == (5, False)
    assert [view.run for view in kept.values()] == [RUN]
    await reporter.put("/api/v1/runs/run00002", json={})
    await send(reporter, *[point(seq, 1.0) for seq in range(4)], run="run00002")
    assert await look("run00002") == (4, True)
    assert [view.run for view in kept.values()] == ["run00002"]
    await send(reporter, *[point(seq, 1.0) for seq in range(4, 10)], run="run00002")
    assert await look("run00002") == (10, True)
    assert not kept


async def test_many_metrics_are_read_few_points_at_a_time(portal, reporter, monkeypatch):
    monkeypatch.setattr("practicum_portal.services.runs._READ", 30)
    many = {f"m{number}": 1.0 for number in range(10)}
    await send(reporter, *[point(seq, **many) for seq in range(10)])
    trainee = await portal.sign_in("trainee")
    portal.statements.clear()
    body = (await trainee.get(f"/api/v1/runs/{RUN}/curves")).json()
    assert [len(curve["values"]) for curve in body["curves"]] == [10] * 10
    assert sum("FROM points" in text for text in portal.statements) == 4


async def test_two_requests_at_once_lose_nothing(portal, reporter):
    batches = [[point(seq, float(seq)) for seq in range(n * 20, n * 20 + 30)] for n in range(8)]
    responses = await asyncio.gather(*(send(reporter, *batch) for batch in batches))
    assert [response.status_code for response in responses] == [200] * 8
    assert sum(response.json()["accepted"] for response in responses) == 170
    trainee = await portal.sign_in("trainee")
    run = (await trainee.get(f"/api/v1/runs/{RUN}")).json()
    assert (run["points"], run["metrics"][0]["count"]) == (170, 170)


async def test_runs_survive_the_portal(portal, reporter, settings, opened):
    await send(reporter, point(0, 1.0))
    kubernetes = portal.kubernetes
    async with opened(settings, kubernetes=kubernetes, hub=portal.hub) as restarted:
        token = reporter.headers["authorization"]
        client = restarted.client(headers={"Authorization": token})
        receipt = (await send(client, point(0, 1.0), point(1, 0.5))).json()
        assert (receipt["accepted"], receipt["points"]) == (1, 2)


async def test_news_of_another_replica_is_seen(portal, reporter, settings, opened):
    async with opened(settings, kubernetes=portal.kubernetes, hub=portal.hub) as other:
        watching = other.container.services.runs.watch(Person("trainee"), RUN)
        assert (await anext(watching)).points == ()
        await send(reporter, point(0, 1.0))
        async with asyncio.timeout(20):
            event = await anext(watching)
        assert [item.seq for item in event.points] == [0]
        assert event.run.points == 1
        await watching.aclose()


async def test_finish_counts_once_and_completes_the_summary(reporter):
    url = f"/api/v1/runs/{RUN}/finish"
    first = (await reporter.post(url, json={"state": "finished", "summary": {"f1": 0.9}})).json()
    again = (await reporter.post(url, json={"state": "failed", "summary": {"best": 1}})).json()
    assert first["finished_at"] == again["finished_at"]
    assert (again["state"], again["summary"]) == ("finished", {"f1": 0.9, "best": 1})


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+10:00", "9999-12-31T23:59:00-10:00", "2026-03-02T09:00:00"]
)
async def test_a_start_outside_of_all_time_or_of_no_zone_is_named(reporter, moment):
    response = await reporter.put("/api/v1/runs/run00004", json={"started_at": moment})
    assert response.status_code == 422, response.text
    assert response.json()["errors"][0]["field"] == "started_at"


@pytest.mark.parametrize("number", [2**31, 2**63, 10**25, -1])
async def test_numbers_that_no_database_holds_are_the_clients_mistake(portal, reporter, number):
    await send(reporter, point(0, 1.0))
    trainee = await portal.sign_in("trainee")
    cursor = base64.urlsafe_b64encode(f"n{number}".encode()).decode()
    held = 0 <= number < 2**63
    for path in (f"/runs?cursor={cursor}", f"/api/v1/runs?cursor={cursor}"):
        assert (await trainee.get(path)).status_code == (200 if held else 400), path
    response = await trainee.get(f"/api/v1/runs/{RUN}/points?after={number}")
    assert response.status_code == (200 if held else 422), response.text
    assert response.json().get("points", []) == []


async def test_a_position_beyond_the_end_goes_on_at_the_end(portal, reporter):
    await send(reporter, point(0, 1.0))
    watching = portal.container.services.runs.watch(Person("trainee"), RUN, after=10**25)
    assert (await anext(watching)).position == 1
    await watching.aclose()
    program = portal.bearer("trainee")
    url = f"/api/v1/runs/{RUN}/events"
    assert (await program.get(url, headers={"Last-Event-ID": "9" * 5000})).status_code == 422
    assert (await program.get(url, params={"after": 10**25})).status_code == 422


async def test_a_character_that_a_database_refuses_is_no_fault_of_the_portal(portal, reporter):
    trainee = await portal.sign_in("trainee")
    for path in ("/api/v1/runs?lab=a%00b", "/runs?owner=a%00b", "/api/v1/runs/a%00b", "/runs/a%00"):
        assert (await trainee.get(path)).status_code in {200, 404, 422}, path


async def test_a_run_without_word_is_shown_as_quiet(portal, reporter):
    portal.clock.forward(minutes=6)
    trainee = await portal.sign_in("trainee")
    assert (await trainee.get(f"/api/v1/runs/{RUN}")).json()["quiet"]


async def test_a_database_locked_by_another_is_a_503_and_nothing_is_lost(
    portal, reporter, settings, opened
):
    impatient = settings.model_copy(update={"database_wait_seconds": 0.2})
    holder = Database(settings.database_url)
    async with opened(impatient, kubernetes=portal.kubernetes, hub=portal.hub) as other:
        client = other.client(headers={"Authorization": reporter.headers["authorization"]})
        async with holder.write() as session:
            await session.execute(select(RunRow).with_for_update())
            response = await send(client, point(0, 1.0))
        assert (response.status_code, response.json()["code"]) == (503, "database-away")
        assert int(response.headers["retry-after"]) > 0
        assert (await send(client, point(0, 1.0))).json()["accepted"] == 1
    await holder.close()


@pytest.fixture
def narrow(portal):
    """Narrow the budgets of bytes."""

    def narrowed(*, run=1 << 30, owner=1 << 30):
        reports = portal.container.services.reports
        reports._max_run_bytes, reports._max_owner_bytes = run, owner

    return narrowed


async def test_a_run_that_takes_too_much_is_full_and_nothing_of_the_request_is_kept(
    portal, reporter, narrow
):
    narrow(run=1500)
    assert (await send(reporter, *[point(seq, 1.0) for seq in range(10)])).status_code == 200
    response = await send(reporter, *[point(seq, 1.0) for seq in range(10, 30)])
    assert (response.status_code, response.json()["code"]) == (409, "run-full")
    assert (await send(reporter, point(10, 1.0))).json()["points"] == 11
    await reporter.put("/api/v1/runs/run00002", json={})
    assert (await send(reporter, point(0, 1.0), run="run00002")).status_code == 200


async def test_what_all_runs_of_a_person_take_in_a_cohort_is_bounded_until_some_are_removed(
    portal, reporter, narrow, make
):
    await send(reporter, *[point(seq, 1.0) for seq in range(20)])
    url = f"/api/v1/runs/{RUN}/finish"
    await reporter.post(url, json={"state": "finished", "summary": {"text": "x" * 1000}})
    narrow(owner=3000)
    config = {"config": {"text": "x" * 1000}}
    for refused in (
        await send(reporter, *[point(seq, 1.0) for seq in range(20, 40)]),
        await reporter.put("/api/v1/runs/run00002", json=config),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "run-full")
        assert "Remove runs" in refused.json()["hint"]
    portal.kubernetes.put("sandboxes", make.sandbox("trainee-2"))
    await portal.settled()
    other = portal.sandbox_client("trainee-2", "lora")
    assert (await other.put("/api/v1/runs/run00003", json=config)).status_code == 200

    trainee = await portal.sign_in("trainee")
    assert (await trainee.delete(f"/api/v1/runs/{RUN}")).status_code == 204
    assert (await reporter.put("/api/v1/runs/run00002", json=config)).status_code == 200


async def test_its_owner_alone_removes_a_run_once_it_does_not_report(portal, reporter):
    await send(reporter, point(0, 1.0))
    url = f"/api/v1/runs/{RUN}"
    trainee = await portal.sign_in("trainee")
    live = await trainee.delete(url)
    assert (live.status_code, live.json()["code"]) == (409, "run-live")
    await reporter.post(f"{url}/finish", json={"state": "finished"})
    for name, status in (("instructor", 403), ("trainee-2", 404)):
        assert (await (await portal.sign_in(name)).delete(url)).status_code == status
    assert (await trainee.delete(url)).status_code == 204
    assert (await trainee.get(url)).status_code == 404
    assert (await trainee.delete(url)).status_code == 404
    async with portal.container.clients.database.read() as session:
        assert (await session.scalars(select(PointRow))).all() == []
    admin = await portal.sign_in("admin", admin=True)
    line, *_ = (await admin.get("/api/v1/audit?cohort=class-a")).json()["items"]
    assert (line["action"], line["target"], line["actor"]) == ("run.delete", RUN, "trainee")


async def test_a_run_is_removed_from_its_page(portal, reporter):
    trainee = await portal.sign_in("trainee")
    assert f"/runs/{RUN}/delete" not in (await trainee.get(f"/runs/{RUN}")).text
    await reporter.post(f"/api/v1/runs/{RUN}/finish", json={"state": "finished"})
    assert f"/runs/{RUN}/delete" in (await trainee.get(f"/runs/{RUN}")).text
    instructor = await portal.sign_in("instructor")
    assert f"/runs/{RUN}/delete" not in (await instructor.get(f"/runs/{RUN}")).text
    assert "Remove this run?" in (await trainee.get(f"/runs/{RUN}/delete")).text
    done = await trainee.post(f"/runs/{RUN}/delete")
    assert (done.status_code, done.headers["location"]) == (303, "/runs")
    assert "The run is removed." in (await trainee.get("/runs")).text


async def test_what_a_removed_cohort_left_goes_after_a_grace(portal, reporter, make):
    await send(reporter, point(0, 1.0))
    database, cluster = portal.container.clients.database, portal.container.cluster

    async def sweep(**later):
        portal.clock.forward(**later)
        await retention.sweep(database, cluster, grace=timedelta(days=90), clock=portal.clock)

    async def left():
        async with database.read() as session:
            tables = (RunRow, PointRow, MembershipRow, CohortRow)
            return [await session.scalar(select(func.count()).select_from(t)) for t in tables]

    await sweep()
    portal.kubernetes.remove("cohorts", "class-a")
    await portal.settled()
    await sweep(days=100)
    assert await left() == [1, 1, 2, 1]
    await sweep(days=89)
    assert await left() == [1, 1, 2, 1]
    portal.kubernetes.put("cohorts", make.cohort())
    await portal.settled()
    await sweep(days=2)
    portal.kubernetes.remove("cohorts", "class-a")
    await portal.settled()
    await sweep(days=2)
    assert await left() == [1, 1, 2, 1]
    await sweep(days=91)
    assert await left() == [0, 0, 0, 0]


async def test_runs_of_a_removed_cohort_without_a_roster_go_too(portal, reporter, make):
    portal.kubernetes.put("sandboxes", make.sandbox("admin", cohort_name="class-b"))
    await portal.settled()
    admin = portal.sandbox_client("admin", "lora")
    await admin.put("/api/v1/runs/run00002", json={})
    portal.kubernetes.remove("cohorts", "class-b")
    await portal.settled()
    for _ in range(2):
        portal.clock.forward(days=1)
        await retention.sweep(
            portal.container.clients.database,
            portal.container.cluster,
            grace=timedelta(hours=1),
            clock=portal.clock,
        )
    person = await portal.sign_in("admin", admin=True)
    listed = (await person.get("/api/v1/runs")).json()["items"]
    assert [run["id"] for run in listed] == [RUN]


async def test_nothing_is_swept_before_the_cluster_is_known(portal, reporter):
    unknown = Cluster(portal.kubernetes)
    for _ in range(2):
        portal.clock.forward(days=1)
        database = portal.container.clients.database
        await retention.sweep(database, unknown, grace=timedelta(0), clock=portal.clock)
    trainee = await portal.sign_in("trainee")
    assert (await trainee.get(f"/api/v1/runs/{RUN}")).status_code == 200
