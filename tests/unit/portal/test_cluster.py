"""The cache: it follows, it recovers, and it never goes back."""

import asyncio
import copy

import pytest

from practicum_portal.cluster import Cluster


@pytest.fixture
def database_kind():
    return "sqlite"


@pytest.fixture
async def following(portal):
    """The cache of a running portal and the API server that it follows."""
    return portal.container.cluster, portal.kubernetes


async def test_it_follows_what_is_made_changed_and_removed(following, make):
    cluster, kubernetes = following
    kubernetes.put("sandboxes", make.sandbox(phase="Queued"))
    with cluster.subscribe() as news:
        (change,) = await news.wait()
    assert (change.plural, change.key) == ("sandboxes", ("practicum-class-a", "trainee--lora"))
    assert cluster.sandbox("class-a", "trainee--lora").status.phase == "Queued"
    with cluster.subscribe() as news:
        kubernetes.remove("sandboxes", "trainee--lora", "practicum-class-a")
        await news.wait()
    assert cluster.sandbox("class-a", "trainee--lora") is None


async def test_a_version_that_is_too_old_means_a_new_list(following, make):
    cluster, kubernetes = following
    kubernetes.put("labs", make.lab("gone"))
    await _until(lambda: cluster.lab("gone"))
    kubernetes.fail("event labs", make.refusal(410, "Expired"))
    # One was removed and one was made while nobody watched: the watch begins too late for both.
    kubernetes.objects["labs"].pop(("", "gone"))
    kubernetes.put("labs", make.lab("new"))
    kubernetes.events.clear()
    await _until(lambda: cluster.lab("new") and not cluster.lab("gone"))
    assert [call[0] for call in kubernetes.calls if call[1] == "labs"].count("list") == 2


async def test_an_api_server_that_is_away_is_asked_again_and_its_silence_shows(make, portal):
    kubernetes = type(portal.kubernetes)()
    kubernetes.put("labs", make.lab())
    kubernetes.fail("list", *[make.away("ConnectError")] * 8, make.refusal(401, "Unauthorized"))
    pauses = []

    async def pause(seconds):
        pauses.append(seconds)
        await asyncio.sleep(0)

    cluster = Cluster(kubernetes, pause=pause)
    assert not cluster.synced
    assert cluster.silence() == float("inf")
    task = asyncio.create_task(cluster.run())
    await _until(lambda: cluster.synced)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(pauses) == 9
    assert cluster.silence() < float("inf")
    assert cluster.lab("lora")


async def test_watches_that_end_at_once_are_not_repeated_without_a_pause(portal, make):
    kubernetes = type(portal.kubernetes)()
    pauses = []

    async def ends(plural, version):
        kubernetes.calls.append(("watch", plural, ""))
        await asyncio.sleep(0)
        if len(kubernetes.calls) % 2:
            raise make.refusal(410, "Expired")
        return
        yield

    async def pause(seconds):
        pauses.append(seconds)
        await asyncio.sleep(0)

    kubernetes.watch = ends
    task = asyncio.create_task(Cluster(kubernetes, pause=pause).run())
    await _until(lambda: len(pauses) > 40)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert min(pauses) > 0
    watches = [call for call in kubernetes.calls if call[0] == "watch"]
    assert len(watches) <= len(pauses) + 4


async def test_silence_counts_from_the_kind_that_was_heard_of_least_lately():
    now = 100.0
    cluster = Cluster(None, clock=lambda: now)
    for shelf in (cluster.labs, cluster.cohorts, cluster.accelerators, cluster.sandboxes):
        shelf.replace([], "1")
        now += 10
    assert cluster.silence() == 40


def _versioned(body, version):
    body = copy.deepcopy(body)
    body["metadata"]["resourceVersion"] = str(version)
    return body


def test_an_answer_that_is_older_than_the_watch_changes_nothing(make):
    cluster = Cluster(None)
    cluster.sandboxes.replace([_versioned(make.sandbox(phase="Running"), 20)], "20")
    cluster.sandboxes.put(_versioned(make.sandbox(phase="Queued"), 15))
    assert cluster.sandbox("class-a", "trainee--lora").status.phase == "Running"


def test_an_answer_to_a_write_does_not_bring_back_what_was_removed_since(make):
    cluster = Cluster(None)
    cluster.sandboxes.replace([], "10")
    body = _versioned(make.sandbox(), 12)
    cluster.sandboxes.event({"type": "ADDED", "object": body})
    cluster.sandboxes.event({"type": "DELETED", "object": _versioned(body, 13)})
    assert cluster.sandboxes.put(body) is None
    assert cluster.sandbox("class-a", "trainee--lora") is None


def test_what_was_made_anew_outlives_late_news_of_the_former(make):
    cluster = Cluster(None)
    cluster.sandboxes.replace([_versioned(make.sandbox(), 10)], "10")
    cluster.sandboxes.put(_versioned(make.sandbox(phase="Queued"), 14))
    with cluster.subscribe() as news:
        deleted = {"type": "DELETED", "object": _versioned(make.sandbox(), 12)}
        cluster.sandboxes.event(deleted)
        cluster.sandboxes.replace([], "13")
        assert cluster.sandbox("class-a", "trainee--lora").status.phase == "Queued"
        assert not news._changed
        cluster.sandboxes.replace([], "15")
    assert cluster.sandbox("class-a", "trainee--lora") is None


def test_what_is_not_understood_is_left_out_and_the_rest_is_there(make, caplog):
    cluster = Cluster(None)
    broken = _versioned(make.lab("broken"), 5)
    broken["spec"]["minutes"] = "soon"
    cluster.labs.replace([broken, _versioned(make.lab(), 6)], "6")
    assert cluster.lab("lora")
    assert cluster.lab("broken") is None
    assert "broken" in caplog.text


def test_of_two_sandboxes_behind_one_server_the_oldest_counts(make):
    cluster = Cluster(None)
    bodies = []
    for number, created in ((1, "2026-03-01T08:00:00Z"), (2, "2026-03-01T07:00:00Z")):
        body = _versioned(make.sandbox(), number)
        body["metadata"] |= {"name": f"s{number}", "creationTimestamp": created}
        bodies.append(body)
    cluster.sandboxes.replace(bodies, "2")
    assert cluster.sandbox_for("trainee", "lora").metadata.name == "s2"
    assert cluster.sandbox_for("trainee", "other") is None


async def test_a_long_silence_is_told_and_the_portal_serves_on(portal):
    trainee = await portal.sign_in("trainee")
    assert "may be old" not in (await trainee.get("/")).text
    portal.container.cluster._clock = lambda: 1e9
    response = await trainee.get("/readyz")
    assert (response.status_code, response.json()["ready"]) == (200, True)
    assert response.json()["cluster"]["silent_seconds"] > 120
    assert "may be old" in (await trainee.get("/")).text


async def test_not_ready_before_the_first_list(portal):
    portal.container.cluster.labs.heard = None
    response = await portal.client().get("/readyz")
    assert (response.status_code, response.json()["ready"]) == (503, False)
    assert (await portal.client().get("/healthz")).status_code == 200


async def _until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)
