"""Whether the portal says that it lives."""

import pytest

from practicum_portal.app import create_app


@pytest.fixture
def database_kind():
    return "sqlite"


async def test_what_ends_in_the_background_ends_the_health(portal, settings, caplog):
    quiet = settings.model_copy(update={"host": "127.0.0.1", "metrics_port": 0})
    portal.app = create_app(quiet, portal.container.clients)
    client = portal.client()
    async with portal.app.router.lifespan_context(portal.app):
        assert (await client.get("/healthz")).status_code == 200
        mistakes = [RuntimeError("a mistake of ours") for _ in range(2)]  # the fixture follows too
        portal.kubernetes.fail("event cohorts", *mistakes)
        portal.kubernetes.news.set()
        await portal.until(lambda: any(task.done() for task in portal.app.state.background))
        response = await client.get("/healthz")
    assert (response.status_code, response.json()) == (
        503,
        {"status": "following the cluster has ended"},
    )
    assert "following the cluster has ended" in caplog.text
    assert "a mistake of ours" in caplog.text


async def test_a_first_word_that_comes_while_one_asks_is_no_error(portal, monkeypatch):
    # Silence without end until just now, and synced by the time the database has answered.
    monkeypatch.setattr(portal.container.cluster, "silence", lambda: float("inf"))
    assert portal.container.cluster.synced
    response = await portal.client().get("/readyz")
    assert response.status_code == 200
    assert response.json()["cluster"] == {"synced": True, "silent_seconds": None}
