"""Sandboxes at the API: rights, verbs, faults of the cluster."""

import pytest

NAMESPACE = "practicum-class-a"


async def test_start_creates_then_repeats_without_a_write(portal):
    trainee = await portal.sign_in("trainee")
    body = {"cohort": "class-a", "lab": "lora"}

    first = await trainee.post("/api/v1/sandboxes", json=body)
    again = await trainee.post("/api/v1/sandboxes", json=body)

    assert first.status_code == again.status_code == 202, first.text
    assert first.json()["name"] == "trainee--lora"
    assert first.headers["location"] == "/api/v1/sandboxes/class-a/trainee--lora"
    assert portal.kubernetes.verbs() == ["create"]
    spec = portal.kubernetes.body("sandboxes", "trainee--lora", NAMESPACE)["spec"]
    assert spec == {"owner": "trainee", "lab": "lora", "desiredState": "Running"}


async def test_what_was_written_is_read_at_once(portal):
    trainee = await portal.sign_in("trainee")
    await trainee.post("/api/v1/sandboxes", json={"cohort": "class-a", "lab": "lora"})
    listed = (await trainee.get("/api/v1/sandboxes")).json()["items"]
    assert [(item["name"], item["phase"]) for item in listed] == [("trainee--lora", "Pending")]


@pytest.mark.parametrize(
    ("phase", "written"),
    [
        ("Suspended", {"desiredState"}),
        ("Stalled", {"desiredState", "restart"}),
        ("Running", set()),
        ("Queued", set()),
    ],
)
async def test_start_is_the_same_verb_whatever_happened(portal, make, phase, written):
    before = portal.kubernetes.put("sandboxes", make.sandbox(phase=phase))
    await portal.settled()
    trainee = await portal.sign_in("trainee")

    response = await trainee.post("/api/v1/sandboxes", json={"cohort": "class-a", "lab": "lora"})

    assert response.status_code == 202, response.text
    spec = portal.kubernetes.body("sandboxes", "trainee--lora", NAMESPACE)["spec"]
    assert spec["desiredState"] == "Running"
    changed = {key for key in spec if spec[key] != before["spec"].get(key)}
    assert changed == written - ({"desiredState"} if phase == "Stalled" else set())


async def test_the_notebook_is_in_the_language_one_asks_for_at_a_start(portal, make):
    trainee = await portal.sign_in("trainee")
    place = {"cohort": "class-a", "lab": "lora"}

    async def start(**language):
        answer = await trainee.post("/api/v1/sandboxes", json={**place, **language})
        assert answer.status_code == 202, answer.text
        return portal.kubernetes.body("sandboxes", "trainee--lora", NAMESPACE)["spec"]

    assert (await start(language="zh"))["language"] == "zh"
    await portal.settled()
    assert (await start(language="en"))["language"] == "zh"  # it runs: nothing to start
    portal.kubernetes.put("sandboxes", make.sandbox(phase="Suspended"))
    await portal.settled()
    assert (await start(language="en"))["language"] == "en"


async def test_start_finds_a_sandbox_that_kubectl_made_under_another_name(portal, make):
    body = make.sandbox(phase="Suspended")
    body["metadata"]["name"] = "by-hand"
    portal.kubernetes.put("sandboxes", body)
    await portal.settled()
    trainee = await portal.sign_in("trainee")

    response = await trainee.post("/api/v1/sandboxes", json={"cohort": "class-a", "lab": "lora"})

    assert response.json()["name"] == "by-hand"
    assert portal.kubernetes.verbs() == ["patch"]


async def test_a_lab_of_two_cohorts_is_started_in_one_and_the_other_says_where(
    portal, make, on_roster
):
    portal.kubernetes.put("sandboxes", make.sandbox(phase="Suspended"))
    await portal.settled()
    await on_roster(portal, "class-b", trainee="trainee")
    trainee = await portal.sign_in("trainee")

    response = await trainee.post("/api/v1/sandboxes", json={"cohort": "class-b", "lab": "lora"})

    assert (response.status_code, response.json()["code"]) == (409, "in-other-cohort")
    assert "class-a" in response.json()["detail"]
    assert portal.kubernetes.verbs() == []
    portal.kubernetes.remove("sandboxes", "trainee--lora", NAMESPACE)
    await portal.settled()
    again = await trainee.post("/api/v1/sandboxes", json={"cohort": "class-b", "lab": "lora"})
    assert again.status_code == 202, again.text


async def test_resume_forgets_the_deadline_of_the_attempt_that_is_over(portal, make):
    portal.kubernetes.put(
        "sandboxes", make.sandbox(phase="Suspended", deadline="2026-03-02T08:30:00Z")
    )
    await portal.settled()
    trainee = await portal.sign_in("trainee")
    await trainee.post("/api/v1/sandboxes/class-a/trainee--lora/start")
    assert "deadline" not in portal.kubernetes.body("sandboxes", "trainee--lora", NAMESPACE)["spec"]


async def test_a_conflict_is_decided_anew_on_what_is_there(portal, make):
    portal.kubernetes.put("sandboxes", make.sandbox())
    await portal.settled()
    portal.kubernetes.fail("patch", make.refusal(409, "Conflict"))
    trainee = await portal.sign_in("trainee")

    response = await trainee.post("/api/v1/sandboxes/class-a/trainee--lora/suspend")

    assert response.status_code == 202
    assert portal.kubernetes.verbs() == ["patch", "get", "patch"]
    spec = portal.kubernetes.body("sandboxes", "trainee--lora", NAMESPACE)["spec"]
    assert spec["desiredState"] == "Suspended"


async def test_a_conflict_that_stays_is_told(portal, make):
    portal.kubernetes.put("sandboxes", make.sandbox())
    await portal.settled()
    portal.kubernetes.fail("patch", *[make.refusal(409, "Conflict")] * 5)
    trainee = await portal.sign_in("trainee")
    response = await trainee.post("/api/v1/sandboxes/class-a/trainee--lora/suspend")
    assert response.status_code == 409


@pytest.mark.parametrize(
    ("minutes", "deadline"), [(30, "2026-03-02T12:30:00Z"), (600, "2026-03-02T14:00:00Z")]
)
async def test_extend_stops_where_the_lab_does(portal, make, minutes, deadline):
    portal.kubernetes.put("sandboxes", make.sandbox())
    await portal.settled()
    trainee = await portal.sign_in("trainee")
    url = "/api/v1/sandboxes/class-a/trainee--lora/extend"
    response = await trainee.post(url, json={"minutes": minutes})
    assert response.status_code == 202, response.text
    spec = portal.kubernetes.body("sandboxes", "trainee--lora", NAMESPACE)["spec"]
    assert spec["deadline"] == deadline


async def test_two_quick_extensions_add_up_before_the_operator_has_seen_the_first(portal, make):
    portal.kubernetes.put("sandboxes", make.sandbox())
    await portal.settled()
    trainee = await portal.sign_in("trainee")
    url = "/api/v1/sandboxes/class-a/trainee--lora/extend"
    for deadline in ("2026-03-02T12:45:00Z", "2026-03-02T13:30:00Z"):
        assert (await trainee.post(url, json={"minutes": 45})).status_code == 202
        spec = portal.kubernetes.body("sandboxes", "trainee--lora", NAMESPACE)["spec"]
        assert spec["deadline"] == deadline


async def test_extend_at_the_end_says_that_there_is_no_more(portal, make):
    portal.kubernetes.put("sandboxes", make.sandbox(status={"deadline": "2026-03-02T14:00:00Z"}))
    await portal.settled()
    trainee = await portal.sign_in("trainee")
    response = await trainee.post("/api/v1/sandboxes/class-a/trainee--lora/extend")
    assert (response.status_code, response.json()["code"]) == (409, "no-more-time")
    assert portal.kubernetes.verbs() == []


@pytest.mark.parametrize(("workspace", "verbs"), [(False, ["delete"]), (True, ["patch", "delete"])])
async def test_delete_keeps_the_files_unless_told(portal, make, workspace, verbs):
    portal.kubernetes.put("sandboxes", make.sandbox())
    await portal.settled()
    trainee = await portal.sign_in("trainee")
    url = f"/api/v1/sandboxes/class-a/trainee--lora?workspace={workspace}"
    assert (await trainee.delete(url)).status_code == 204
    assert portal.kubernetes.verbs() == verbs


async def test_reset_and_restart_ask_once_each_time(portal, make):
    portal.kubernetes.put("sandboxes", make.sandbox())
    await portal.settled()
    trainee = await portal.sign_in("trainee")
    values = []
    for verb in ("reset", "reset", "restart"):
        await trainee.post(f"/api/v1/sandboxes/class-a/trainee--lora/{verb}")
        spec = portal.kubernetes.body("sandboxes", "trainee--lora", NAMESPACE)["spec"]
        values.append((spec.get("reset"), spec.get("restart")))
    assert values[0][0] != values[1][0]
    assert values[2] == (values[1][0], values[2][1])
    assert values[2][1]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"cohort": "class-a", "lab": "other"}, 404, "lab-not-offered"),
        ({"cohort": "class-b", "lab": "lora"}, 404, "not-a-member"),
        ({"cohort": "no-such", "lab": "lora"}, 404, "not-a-member"),
        ({"cohort": "class-a", "lab": "lora", "owner": "instructor"}, 403, "forbidden"),
        ({"cohort": "class-a", "lab": "Not A Lab"}, 422, "invalid"),
        ({"cohort": "class-a", "lab": "lora", "image": "evil"}, 422, "invalid"),
    ],
)
async def test_what_is_not_offered_is_not_started(portal, body, status, code):
    trainee = await portal.sign_in("trainee")
    response = await trainee.post("/api/v1/sandboxes", json=body)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert portal.kubernetes.verbs() == []


async def test_an_instructor_starts_for_people_on_the_roster_alone(portal):
    instructor = await portal.sign_in("instructor")
    body = {"cohort": "class-a", "lab": "lora", "owner": "trainee"}
    assert (await instructor.post("/api/v1/sandboxes", json=body)).status_code == 202
    response = await instructor.post("/api/v1/sandboxes", json={**body, "owner": "stranger"})
    assert (response.status_code, response.json()["code"]) == (404, "not-on-roster")


async def test_a_lab_that_is_not_ready_says_why(portal, make):
    body = make.lab()
    body["status"]["conditions"] = [
        make.condition("Ready", "False", "UnknownAcceleratorClass", "No class h100.")
    ]
    portal.kubernetes.put("labs", body)
    await portal.settled()
    trainee = await portal.sign_in("trainee")
    response = await trainee.post("/api/v1/sandboxes", json={"cohort": "class-a", "lab": "lora"})
    assert (response.status_code, response.json()["code"]) == (409, "lab-not-ready")
    assert "No class h100." in response.json()["detail"]


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        ((422, "Invalid", "spec.owner: too long"), 422, "refused-by-cluster"),
        ((403, "Forbidden", "exceeded quota: cohort"), 409, "quota-exceeded"),
        ((403, "Forbidden", "because it is being terminated"), 409, "terminating"),
        ((403, "Forbidden", "cannot create resource"), 503, "portal-not-allowed"),
        ((429, "TooManyRequests", "slow down"), 503, "cluster-away"),
        ((500, "InternalError", "etcd"), 503, "cluster-away"),
        ((404, "NotFound", "namespace"), 404, "not-found"),
    ],
)
async def test_refusals_of_the_cluster_become_something_to_act_on(
    portal, make, refusal, status, code
):
    portal.kubernetes.fail("create", make.refusal(*refusal))
    trainee = await portal.sign_in("trainee")
    response = await trainee.post("/api/v1/sandboxes", json={"cohort": "class-a", "lab": "lora"})
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.json()["hint"]


async def test_an_api_server_that_is_away_loses_nothing(portal, make):
    portal.kubernetes.fail("create", make.away("TimeoutError"))
    trainee = await portal.sign_in("trainee")
    body = {"cohort": "class-a", "lab": "lora"}
    response = await trainee.post("/api/v1/sandboxes", json=body)
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert (await trainee.get("/api/v1/sandboxes")).status_code == 200
    assert (await trainee.post("/api/v1/sandboxes", json=body)).status_code == 202


async def test_nobody_sees_or_changes_what_is_not_theirs(portal, make, on_roster):
    await on_roster(portal, "class-b", **{"trainee-2": "trainee", "teacher-b": "instructor"})
    portal.kubernetes.put("sandboxes", make.sandbox())
    await portal.settled()
    for name in ("trainee-2", "teacher-b", "stranger"):
        other = await portal.sign_in(name)
        url = "/api/v1/sandboxes/class-a/trainee--lora"
        for response in (
            await other.get(url),
            await other.post(f"{url}/suspend"),
            await other.delete(url),
            await other.get(f"{url}/events"),
        ):
            assert response.status_code == 404, (name, response.request)
        assert (await other.get("/api/v1/sandboxes?cohort=class-a")).json()["items"] == []
        listed = (await other.get("/api/v1/sandboxes?owner=trainee")).json()["items"]
        assert listed == []
    assert portal.kubernetes.verbs() == []


async def test_who_left_the_roster_reads_but_changes_nothing(portal, make):
    portal.kubernetes.put("sandboxes", make.sandbox(owner="trainee-2"))
    await portal.settled()
    former = await portal.sign_in("trainee-2")
    url = "/api/v1/sandboxes/class-a/trainee-2--lora"
    assert (await former.get(url)).json()["actions"] == [
        "open",
        "suspend",
        "extend",
        "restart",
        "reset",
        "delete",
    ]
    assert (await former.post(f"{url}/restart")).json()["code"] == "not-a-member"


async def test_starts_are_limited(settings, opened, make, on_roster):
    slow = settings.model_copy(update={"starts_per_minute": 1})
    async with opened(slow) as portal:
        portal.kubernetes.put("labs", make.lab())
        portal.kubernetes.put("cohorts", make.cohort())
        await portal.settled()
        await on_roster(portal, "class-a", trainee="trainee")
        trainee = await portal.sign_in("trainee")
        body = {"cohort": "class-a", "lab": "lora"}
        assert (await trainee.post("/api/v1/sandboxes", json=body)).status_code == 202
        response = await trainee.post("/api/v1/sandboxes", json=body)
    assert response.status_code == 429
    assert 0 < int(response.headers["retry-after"]) <= 60


async def test_everything_asked_for_is_in_the_audit_log(portal, make):
    trainee = await portal.sign_in("trainee")
    await trainee.post("/api/v1/sandboxes", json={"cohort": "class-a", "lab": "lora"})
    await trainee.delete("/api/v1/sandboxes/class-a/trainee--lora?workspace=true")
    instructor = await portal.sign_in("instructor")
    lines = (await instructor.get("/api/v1/audit?cohort=class-a")).json()["items"]
    assert [(line["actor"], line["action"], line["target"]) for line in lines] == [
        ("trainee", "sandbox.delete", "trainee--lora"),
        ("trainee", "sandbox.start", "trainee--lora"),
    ]
    assert lines[0]["detail"] == {"workspace": True}
    assert (await trainee.get("/api/v1/audit?cohort=class-a")).status_code == 403
    assert (await instructor.get("/api/v1/audit")).status_code == 403


async def test_a_cohort_made_anew_does_not_inherit_the_audit_log(portal, make):
    url = "/api/v1/audit?cohort=class-a"
    instructor = await portal.sign_in("instructor")
    await instructor.post("/api/v1/sandboxes", json={"cohort": "class-a", "lab": "lora"})
    await instructor.put("/api/v1/cohorts/class-a/roster", content=b"user\nlate\n")
    assert len((await instructor.get(url)).json()["items"]) == 2
    portal.kubernetes.remove("cohorts", "class-a")
    body = make.cohort(instructorGroups=["others"])
    body["metadata"]["uid"] = "uid-another"
    portal.kubernetes.put("cohorts", body)
    await portal.settled()
    other = await portal.sign_in("other", groups=("others",))
    assert (await other.get(url)).json()["items"] == []
    await other.post("/api/v1/sandboxes", json={"cohort": "class-a", "lab": "lora"})
    assert [line["actor"] for line in (await other.get(url)).json()["items"]] == ["other"]
    admin = await portal.sign_in("admin", admin=True)
    assert len((await admin.get(url)).json()["items"]) == 3
