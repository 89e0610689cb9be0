"""The programs that speak with the portal, against the portal itself."""

import asyncio
import math

import pytest
from pydantic import SecretStr

from practicum_client.portal import Portal
from practicum_labs import track
from practicum_labs.settings import LabSettings


@pytest.fixture
def database_kind():
    return "sqlite"


def token_of(client):
    return client.headers["authorization"].removeprefix("Bearer ")


async def test_track_reports_a_run_as_a_notebook_does(portal, served, make, tmp_path):
    portal.kubernetes.put("sandboxes", make.sandbox())
    await portal.settled()
    settings = LabSettings(
        api_url=f"{served}/api/v1",
        JUPYTERHUB_API_TOKEN=SecretStr(token_of(portal.sandbox_client("trainee", "lora"))),
        workspace=tmp_path,
        heartbeats=tmp_path / "beats",
        lab="lora",
    )

    def notebook():
        with track.init(config={"lora": {"rank": 8}}, seed=7, settings=settings) as run:
            for step in range(30):
                run.log({"loss": math.nan if step == 3 else 1 / (step + 1)}, step=step)
            run.log({"accuracy": 0.9}, step=30)

    await asyncio.to_thread(notebook)
    trainee = await portal.sign_in("trainee")
    (run,) = (await trainee.get("/api/v1/runs")).json()["items"]
    assert (run["state"], run["points"], run["config"]) == (
        "finished",
        31,
        {"lora": {"rank": 8}},
    )
    assert run["environment"]["seed"] == 7
    accuracy, loss = run["metrics"]
    assert (accuracy["name"], accuracy["last"]) == ("accuracy", 0.9)
    assert (loss["count"], loss["not_finite"]) == (30, 1)


async def test_the_client_reads_what_the_portal_says(portal, served, make):
    portal.kubernetes.put("sandboxes", make.sandbox())
    await portal.settled()
    token = token_of(portal.bearer("instructor"))

    def command():
        with Portal(served, token) as client:
            me = client.me()
            labs = list(client.labs())
            return me, labs

    me, labs = await asyncio.to_thread(command)
    assert (me.name, me.cohorts) == ("instructor", {"class-a": "instructor"})
    assert [offer.lab.name for offer in labs] == ["lora"]
    assert labs[0].startable
