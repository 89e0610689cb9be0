"""Cohorts and rosters at the API."""

import pytest

CSV = "user,name,role,email\n"


async def put_roster(client, content, **query):
    if isinstance(content, str):
        content = content.encode()
    return await client.put(
        "/api/v1/cohorts/class-a/roster",
        params=query,
        content=content,
        headers={"Content-Type": "text/csv"},
    )


async def users(client):
    return [
        (item["user"], item["role"])
        for item in (await client.get("/api/v1/cohorts/class-a/members")).json()["items"]
    ]


async def test_an_admin_makes_changes_and_removes_a_cohort(portal):
    admin = await portal.sign_in("admin", admin=True)
    draft = {
        "name": "llm-2026",
        "display_name": "大模型",
        "labs": ["lora"],
        "quota": {"sandboxes": 10, "accelerators": [{"class_name": "a100", "count": 2}]},
        "instructor_groups": ["teachers"],
    }
    made = await admin.post("/api/v1/cohorts", json=draft)
    assert made.status_code == 201, made.text
    spec = portal.kubernetes.body("cohorts", "llm-2026")["spec"]
    assert spec["displayName"] == "大模型"
    assert spec["quota"]["accelerators"] == [{"className": "a100", "count": 2}]
    assert (await admin.post("/api/v1/cohorts", json=draft)).json()["code"] == "exists"

    changed = await admin.patch("/api/v1/cohorts/llm-2026", json={"quota": {"cpu": "8"}})
    assert changed.json()["quota"]["sandboxes"] is None
    spec = portal.kubernetes.body("cohorts", "llm-2026")["spec"]
    assert spec["quota"] == {"cpu": "8", "accelerators": []}
    assert spec["labs"] == ["lora"]

    assert (await admin.delete("/api/v1/cohorts/llm-2026")).status_code == 202
    assert "deletionTimestamp" in portal.kubernetes.body("cohorts", "llm-2026")["metadata"]


async def test_a_form_that_goes_beyond_a_bound_says_so(portal):
    admin = await portal.sign_in("admin", admin=True)
    page = await admin.post("/admin/cohorts/new", data={"name": "llm", "sandboxes": "20000"})
    assert page.status_code == 200
    assert "This is too large." in page.text
    assert portal.kubernetes.verbs() == []


async def test_only_admins_change_cohorts(portal):
    for name in ("instructor", "trainee"):
        person = await portal.sign_in(name)
        assert (await person.post("/api/v1/cohorts", json={"name": "mine"})).status_code == 403
        assert (await person.patch("/api/v1/cohorts/class-a", json={"labs": []})).status_code == 403
        assert (await person.delete("/api/v1/cohorts/class-a")).status_code == 403
    assert portal.kubernetes.verbs() == []


async def test_a_quota_that_is_no_quantity_is_refused_before_the_cluster_sees_it(portal):
    admin = await portal.sign_in("admin", admin=True)
    draft = {"name": "llm", "quota": {"memory": "lots"}}
    response = await admin.post("/api/v1/cohorts", json=draft)
    assert response.status_code == 422
    assert "lots" in response.text
    assert portal.kubernetes.verbs() == []


async def test_people_see_the_cohorts_they_are_in(portal):
    trainee = await portal.sign_in("trainee")
    (room,) = (await trainee.get("/api/v1/cohorts")).json()["items"]
    assert (room["name"], room["role"], room["members"]) == ("class-a", "trainee", 2)
    admin = await portal.sign_in("admin", admin=True)
    assert len((await admin.get("/api/v1/cohorts")).json()["items"]) == 2
    assert (await trainee.get("/api/v1/cohorts/class-b")).status_code == 404


async def test_a_group_of_the_sign_in_teaches(portal, make):
    portal.kubernetes.put("cohorts", make.cohort("class-b", instructorGroups=["teachers"]))
    await portal.settled()
    teacher = await portal.sign_in("teacher", groups=("teachers",))
    me = (await teacher.get("/api/v1/me")).json()
    assert me["cohorts"] == {"class-b": "instructor"}
    assert (await teacher.get("/api/v1/cohorts/class-b/table")).status_code == 200
    assert (await teacher.get("/api/v1/cohorts/class-a/table")).status_code == 404


async def test_a_dry_run_writes_nothing(portal):
    instructor = await portal.sign_in("instructor")
    before = await users(instructor)
    report = (await put_roster(instructor, CSV + "trainee-2,李雷,,\n", dry_run=True)).json()
    assert (report["created"], report["applied"]) == (["trainee-2"], False)
    assert await users(instructor) == before
    assert "create" not in portal.hub.asked


async def test_an_import_makes_accounts_and_is_safe_to_repeat(portal):
    instructor = await portal.sign_in("instructor")
    portal.account("trainee")
    content = CSV + "trainee-2,韩梅梅,trainee,t2@example.org\ntrainee,,,\n"
    first = (await put_roster(instructor, content)).json()
    again = (await put_roster(instructor, content)).json()
    assert (first["created"], first["new_accounts"]) == (["trainee-2"], ["trainee-2"])
    assert (again["created"], again["unchanged"]) == ([], ["trainee-2", "trainee"])
    members = (await instructor.get("/api/v1/cohorts/class-a/members")).json()["items"]
    assert [(m["user"], m["name"]) for m in members][-1] == ("trainee-2", "韩梅梅")
    assert (await portal.sign_in("trainee-2")) is not None


async def test_names_with_at_signs_and_chinese_characters_work(portal, make):
    instructor = await portal.sign_in("instructor")
    content = CSV + "Trainee@Example.org,,,\n李雷,,,\n"
    report = (await put_roster(instructor, content)).json()
    assert report["created"] == ["trainee@example.org", "李雷"]
    names = []
    for user in report["created"]:
        client = await portal.sign_in(user)
        made = await client.post("/api/v1/sandboxes", json={"cohort": "class-a", "lab": "lora"})
        assert made.status_code == 202, made.text
        assert made.json()["owner"] == user
        names.append(made.json()["name"])
        assert (await client.get(f"/api/v1/sandboxes/class-a/{names[-1]}")).status_code == 200
    assert all(name.isascii() for name in names)
    assert len(set(names)) == 2


async def test_mistakes_are_named_and_the_good_lines_are_not_lost_silently(portal):
    instructor = await portal.sign_in("instructor")
    content = CSV + "good,,,\n,No Name,,\ntwo words,,,\nx,,boss,\ny,,,not-an-address\ngood,,,\n"
    report = (await put_roster(instructor, content)).json()
    assert not report["applied"]
    assert [(e["row"], e["column"], e["code"]) for e in report["errors"]] == [
        (3, "user", "missing"),
        (4, "user", "invalid"),
        (5, "role", "invalid"),
        (6, "email", "invalid"),
        (7, "user", "duplicate"),
    ]
    assert all(e["hint"] for e in report["errors"])
    assert ("good", "trainee") not in await users(instructor)
    partial = (await put_roster(instructor, content, partial=True)).json()
    assert (partial["applied"], partial["created"], partial["skipped"]) == (True, ["good"], 5)
    assert ("good", "trainee") in await users(instructor)


async def test_replace_takes_off_who_is_not_in_the_file(portal):
    instructor = await portal.sign_in("instructor")
    admin = await portal.sign_in("admin", admin=True)
    refused = (await put_roster(instructor, CSV + "trainee-2,,,\n", replace=True)).json()
    assert [(e["code"], e["value"]) for e in refused["errors"]] == [("not-allowed", "instructor")]
    done = (await put_roster(admin, CSV + "trainee-2,,,\n", replace=True)).json()
    assert done["removed"] == ["instructor", "trainee"]
    assert await users(admin) == [("trainee-2", "trainee")]


async def test_an_import_in_part_takes_no_instructor_off(portal, on_roster):
    await on_roster(portal, "class-a", second="instructor")
    instructor = await portal.sign_in("instructor")
    content = CSV + "instructor,,instructor,\ntrainee-2,,,\n"
    report = (await put_roster(instructor, content, replace=True, partial=True)).json()
    assert (report["applied"], report["created"], report["removed"]) == (True, ["trainee-2"], [])
    form = {"text": content, "replace": "yes", "partial": "yes", "confirmed": "yes"}
    assert (await instructor.post("/cohorts/class-a/roster", data=form)).status_code == 303
    kept = {("second", "instructor"), ("instructor", "instructor"), ("trainee", "trainee")}
    assert kept <= set(await users(instructor))


async def test_only_an_admin_says_who_teaches(portal):
    instructor = await portal.sign_in("instructor")
    report = (await put_roster(instructor, CSV + "trainee,,instructor,\n")).json()
    assert report["errors"][0]["code"] == "not-allowed"
    admin = await portal.sign_in("admin", admin=True)
    assert (await put_roster(admin, CSV + "trainee,,instructor,\n")).json()["updated"] == [
        "trainee"
    ]
    kept = (await put_roster(instructor, CSV + "instructor,,instructor,\n")).json()
    assert kept["unchanged"] == ["instructor"]


async def test_a_hub_that_is_away_leaves_the_roster_as_it_was(portal):
    instructor = await portal.sign_in("instructor")
    original = portal.hub.create_users

    async def away(names):
        portal.hub.away = "TimeoutError"
        return await original(names)

    portal.hub.create_users = away
    response = await put_roster(instructor, CSV + "trainee-2,,,\n")
    portal.hub.away = ""
    assert (response.status_code, response.json()["code"]) == (503, "hub-away")
    assert "The roster is as it was." in response.json()["hint"]  # some accounts may be new
    assert ("trainee-2", "trainee") not in await users(instructor)


async def test_a_name_that_the_hub_refuses_is_told(portal):
    instructor = await portal.sign_in("instructor")
    portal.hub.refuses = {"odd"}
    response = await put_roster(instructor, CSV + "odd,,,\n")
    assert (response.status_code, response.json()["code"]) == (422, "refused-by-hub")


@pytest.mark.parametrize("name", ["trainee", "stranger", "teacher-b"])
async def test_who_does_not_teach_the_cohort_imports_nothing(portal, on_roster, name):
    await on_roster(portal, "class-b", **{"teacher-b": "instructor"})
    person = await portal.sign_in(name)
    assert (await put_roster(person, CSV + "x,,,\n")).status_code in {403, 404}
    for path in ("members", "table", "usage"):
        response = await person.get(f"/api/v1/cohorts/class-a/{path}")
        assert response.status_code in {403, 404}, path


async def test_the_table_has_everyone_and_every_sandbox(portal, make, on_roster):
    await on_roster(portal, "class-a", **{"trainee-2": "trainee"})
    portal.kubernetes.put("sandboxes", make.sandbox())
    stalled = {
        "conditions": [make.condition("Stalled", "True", "OutOfMemory", "2Gi was too little")]
    }
    portal.kubernetes.put("sandboxes", make.sandbox(owner="gone", phase="Stalled", status=stalled))
    await portal.settled()
    client = portal.sandbox_client("trainee", "lora")
    await client.put("/api/v1/runs/run00001", json={"name": "first"})
    point = {"seq": 0, "step": 0, "time": 1.0, "values": {"loss": 2.0, "accuracy": 0.5}}
    await client.post("/api/v1/runs/run00001/points", json={"points": [point]})
    instructor = await portal.sign_in("instructor")
    rows = (await instructor.get("/api/v1/cohorts/class-a/table")).json()["items"]
    shown = [
        (row["user"], row["on_roster"], row["sandbox"] and row["sandbox"]["phase"]) for row in rows
    ]
    assert shown == [
        ("gone", False, "Stalled"),
        ("instructor", True, None),
        ("trainee", True, "Running"),
        ("trainee-2", True, None),
    ]
    assert rows[0]["sandbox"]["last_error"] == "OutOfMemory"
    assert rows[0]["sandbox"]["message"] == "2Gi was too little"
    assert (rows[2]["run"]["metric"], rows[2]["run"]["value"]) == ("accuracy", 0.5)
