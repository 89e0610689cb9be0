"""Usage and accelerators, with Prometheus there and away."""


def accelerator(make, name="a100"):
    return {
        "metadata": {"name": name},
        "spec": {
            "displayName": "A100",
            "resourceName": "nvidia.com/gpu",
            "pricePerHour": "2.5",
        },
        "status": {
            "total": 4,
            "inUse": 1,
            "queued": 2,
            "conditions": [make.condition("Ready", "True", "Ready")],
        },
    }


async def fill(portal, make):
    portal.kubernetes.put("acceleratorclasses", accelerator(make))
    portal.kubernetes.put("sandboxes", make.sandbox())
    await portal.settled()
    labels = {"cohort": "class-a", "lab": "lora", "class": "a100"}
    other = {"cohort": "class-b", "lab": "old", "class": "a100"}
    portal.prometheus.answers = {
        "practicum_sandbox_running_seconds_total": (
            make.sample(labels, 7200.0),
            make.sample(other, 3600.0),
        ),
        "practicum_cpu_seconds_total": (make.sample(labels, 14400.0),),
        "practicum_accelerator_seconds_total": (make.sample(labels, 3600.0),),
        "container_memory_working_set_bytes": (
            make.sample({"namespace": "practicum-class-a"}, 1024.0),
        ),
    }


async def test_an_admin_sees_all_cohorts_with_costs(portal, make):
    await fill(portal, make)
    admin = await portal.sign_in("admin", admin=True)
    body = (await admin.get("/api/v1/usage?period=30d")).json()
    assert body["available"]
    first, second = body["rows"]
    assert first == {
        "cohort": "class-a",
        "display_name": "class-a",
        "running": 1,
        "queued": 0,
        "running_hours": 2.0,
        "cpu_hours": 4.0,
        "accelerator_hours": 1.0,
        "cost": 2.5,
        "memory_bytes": 1024.0,
    }
    assert (second["cohort"], second["running_hours"], second["cost"]) == ("class-b", 1.0, 0.0)
    assert any("[30d]" in query for query in portal.prometheus.queries)


async def test_an_instructor_sees_the_own_cohort_by_lab(portal, make):
    await fill(portal, make)
    instructor = await portal.sign_in("instructor")
    rows = (await instructor.get("/api/v1/usage")).json()["rows"]
    assert [row["cohort"] for row in rows] == ["class-a"]
    body = (await instructor.get("/api/v1/cohorts/class-a/usage")).json()
    assert [(row["lab"], row["cpu_hours"]) for row in body["labs"]] == [("lora", 4.0)]
    assert (await instructor.get("/api/v1/cohorts/class-b/usage")).status_code == 404


async def test_without_prometheus_the_page_works_and_says_so(portal, make):
    await fill(portal, make)
    portal.prometheus.away = "Prometheus does not answer (ConnectError)"
    instructor = await portal.sign_in("instructor")
    for path in ("/api/v1/usage", "/api/v1/cohorts/class-a/usage"):
        body = (await instructor.get(path)).json()
        assert (body["available"], body["reason"]) == (False, portal.prometheus.away)
    row = (await instructor.get("/api/v1/usage")).json()["rows"][0]
    assert (row["running"], row["running_hours"], row["cost"]) == (1, None, None)


async def test_trainees_see_neither_and_periods_are_ours(portal, make):
    trainee = await portal.sign_in("trainee")
    for path in ("/usage", "/accelerators", "/cohorts/class-a/usage"):
        assert (await trainee.get(f"/api/v1{path}")).status_code == 403, path
    instructor = await portal.sign_in("instructor")
    response = await instructor.get("/api/v1/usage?period=1y]) or vector(1")
    assert (response.status_code, response.json()["code"]) == (400, "bad-period")


async def test_accelerators_are_listed_with_what_is_free(portal, make):
    await fill(portal, make)
    instructor = await portal.sign_in("instructor")
    (item,) = (await instructor.get("/api/v1/accelerators")).json()["items"]
    assert (item["display_name"], item["total"], item["in_use"], item["queued"]) == (
        "A100",
        4,
        1,
        2,
    )
    assert item["state"]["ready"]


async def test_metrics_count_runs_and_show_the_labs_metrics_alone(portal, make):
    from practicum_portal.metrics import run_figures

    container = portal.container
    for owner, accuracy in (("trainee", 0.8), ("instructor", 0.6), ("late", float("nan"))):
        portal.kubernetes.put("sandboxes", make.sandbox(owner=owner))
        await portal.settled()
        client = portal.sandbox_client(owner, "lora")
        run = f"run-{owner}"
        await client.put(f"/api/v1/runs/{run}", json={})
        values = {"accuracy": str(accuracy), "private": 1.0}
        point = {"seq": 0, "step": 1, "time": 1.0, "values": values}
        sent = await client.post(f"/api/v1/runs/{run}/points", json={"points": [point]})
        assert sent.status_code == 200, sent.text
        await client.post(f"/api/v1/runs/{run}/finish", json={"state": "finished"})
    await client.put("/api/v1/runs/run-more", json={})
    container.metrics._runs.figures = await run_figures(
        container.clients.database, container.cluster
    )
    text = container.metrics.expose().decode()
    label = 'cohort="class-a",lab="lora"'
    assert f'practicum_runs{{{label},state="finished"}} 3.0' in text
    assert f'practicum_runs{{{label},state="running"}} 1.0' in text
    assert "# TYPE practicum_runs gauge" in text
    for stat, value in (("min", 0.6), ("median", 0.7), ("max", 0.8)):
        metric = f'practicum_run_metric{{{label},metric="accuracy",stat="{stat}"}}'
        assert f"{metric} {value}" in text
    assert "private" not in text
    route = 'method="PUT",route="/api/v1/runs/{run_id}",status="200"'
    assert f"practicum_portal_requests_seconds_count{{{route}}} 4.0" in text
    assert "run-trainee" not in text


async def test_routes_that_are_not_there_share_one_label(portal):
    client = portal.client()
    for number in range(5):
        await client.get(f"/nowhere/{number}")
        await client.request(f"ODD{number}", "/healthz2")
    text = portal.container.metrics.expose().decode()
    assert "nowhere" not in text
    assert "ODD" not in text
    assert 'route="/{path:path}"' in text


async def test_metrics_are_served_on_a_port_of_their_own(portal):
    import httpx

    from practicum_portal.metrics import bound_port, serve

    runner = await serve(portal.container.metrics, host="127.0.0.1", port=0)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{bound_port(runner)}") as client:
        response = await client.get("/metrics")
        assert response.headers["content-type"].startswith("text/plain")
        assert (await client.get("/api/v1/me")).status_code == 404
    await runner.cleanup()
    assert (await portal.client().get("/metrics")).status_code == 404
