"""The sandbox's server: it serves, says what it does, and keeps every file of a trainee."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

LOOP = "import time\nwhile True: time.sleep(0.05)"
HEARTBEAT = """
import json, os, pathlib, time
folder = pathlib.Path("/tmp/practicum/runs")
folder.mkdir(parents=True)
beat = {"id": "r1", "pid": os.getpid(), "time": time.time()}
(folder / "r1.json").write_text(json.dumps(beat))
"""


@asynccontextmanager
async def kernel(server: Any) -> AsyncIterator[tuple[str, WebSocketClientConnection]]:
    """A running kernel and a channel to it."""
    made = server.request("POST", "api/kernels", {"name": "python3"})
    path = f"{server.port}/user/trainee/lora/api/kernels/{made['id']}/channels"
    headers = {"Authorization": "token a-sandbox-token"}
    channel = await websocket_connect(HTTPRequest(f"ws://127.0.0.1:{path}", headers=headers))
    yield made["id"], channel
    channel.close()
    while await channel.read_message() is not None:
        pass


async def execute(channel: WebSocketClientConnection, code: str, *, wait: bool = True) -> str:
    """Run code; returns what it printed, once it is done."""
    id_ = uuid4().hex
    header = {"msg_id": id_, "msg_type": "execute_request", "version": "5.3", "session": id_}
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
    await channel.write_message(
        json.dumps(
            {
                "header": header | {"username": ""},
                "parent_header": {},
                "metadata": {},
                "content": content,
                "channel": "shell",
                "buffers": [],
            }
        )
    )
    printed = ""
    while wait:
        raw = await channel.read_message()
        assert raw is not None
        message = json.loads(raw)
        if message["parent_header"].get("msg_id") != id_:
            continue
        if message["msg_type"] == "stream":
            printed += message["content"]["text"]
        assert message["msg_type"] != "error", message["content"]
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            break
    return printed


def notebooks(sandbox: Any) -> set[str]:
    """The workspace's notebooks, without Jupyter's own checkpoints."""
    paths = (path.relative_to(sandbox.workspace) for path in sandbox.workspace.rglob("*.ipynb"))
    return {path.as_posix() for path in paths if not any(p.startswith(".") for p in path.parts)}


async def test_a_training_cell_is_busy_and_an_open_page_is_not(sandbox: Any):
    server = sandbox.start()
    assert server.activity()["busy"] is False
    async with kernel(server) as (id_, channel):
        printed = await execute(channel, "import torch; print(torch.ones(2).sum().item())")
        assert printed == "2.0\n"
        server.wait("the kernel is idle", lambda: not server.activity()["busy"])
        before = server.activity()["last_activity"]
        assert before is not None
        for path in ("api/contents/", "api/kernels", "api/contents/lora.en.ipynb", "lab"):
            server.request("GET", path)
        assert server.activity()["last_activity"] == before
        await execute(channel, LOOP, wait=False)
        busy = server.wait(
            "the kernel is busy", lambda: a if (a := server.activity())["busy"] else None
        )
        assert [(k["id"], k["state"]) for k in busy["kernels"]] == [(id_, "busy")]
        server.request("POST", f"api/kernels/{id_}/interrupt")
        server.wait("it was interrupted", lambda: not server.activity()["busy"])


async def test_a_logged_run_is_busy_while_its_process_lives(sandbox: Any):
    server = sandbox.start()
    async with kernel(server) as (id_, channel):
        await execute(channel, HEARTBEAT)
        (run,) = server.wait("the run is seen", lambda: server.activity()["runs"])
        assert run["id"] == "r1"
        assert server.activity()["busy"] is True
        server.request("DELETE", f"api/kernels/{id_}")
        server.wait("the run is gone", lambda: not server.activity()["busy"])


def test_editing_and_terminals_count_as_activity(sandbox: Any):
    server = sandbox.start()
    assert server.activity()["last_activity"] is None
    server.request(
        "PUT", "api/contents/notes.txt", {"type": "file", "format": "text", "content": "a"}
    )
    assert server.activity()["last_activity"] is not None
    assert (sandbox.workspace / "notes.txt").read_text() == "a"
    server.request("POST", "api/terminals", {})
    assert server.activity()["terminals"] == 1


def test_there_are_no_accelerators_here_and_nothing_else_on_that_port(sandbox: Any):
    import urllib.error
    import urllib.request

    server = sandbox.start()
    assert server.activity()["accelerators"] is None
    with pytest.raises(urllib.error.HTTPError, match="404") as refused:
        urllib.request.urlopen(f"http://127.0.0.1:{server.activity_port}/")
    refused.value.close()


def test_the_labs_notebook_opens_and_a_reset_keeps_the_old_one(sandbox: Any):
    server = sandbox.start()
    assert notebooks(sandbox) == {"lora.en.ipynb"}
    page = server.request("GET", "lab/tree/lora.en.ipynb")
    assert "jupyter-config-data" in page
    answers = {
        "type": "notebook",
        "format": "json",
        "content": {
            "cells": [],
            "metadata": {"mine": True},
            "nbformat": 4,
            "nbformat_minor": 5,
        },
    }
    server.request("PUT", "api/contents/lora.en.ipynb", answers)
    server.stop()

    sandbox.start().stop()
    mine = json.loads((sandbox.workspace / "lora.en.ipynb").read_text())
    assert mine["metadata"] == {"mine": True}

    for _ in range(2):
        sandbox.start(PRACTICUM_RESET="2026-11-24").stop()
    (aside,) = notebooks(sandbox) - {"lora.en.ipynb"}
    assert aside.startswith("before-reset-")
    assert json.loads((sandbox.workspace / aside).read_text())["metadata"] == {"mine": True}
    assert json.loads((sandbox.workspace / "lora.en.ipynb").read_text())["metadata"] == {}


def test_a_workspace_that_takes_no_writes_is_served_and_told(sandbox: Any):
    server = sandbox.start(read_only=True, PRACTICUM_LANGUAGE="en")
    told = server.request("GET", "lab/api/update")["notification"]
    assert "can't be written" in told["message"]
    assert "can't be written" in server.log.read_text()


def test_a_good_workspace_says_nothing(sandbox: Any):
    server = sandbox.start()
    assert server.request("GET", "lab/api/update") == {"notification": None}


def test_a_hub_that_is_away_keeps_nobody_from_their_work(sandbox: Any):
    server = sandbox.start(JUPYTERHUB_API_URL="http://127.0.0.1:9/hub/api")
    server.wait("it says so", lambda: "does not answer yet" in server.log.read_text())
    assert server.answers()


def test_no_secret_is_logged(sandbox: Any):
    server = sandbox.start()
    server.request("GET", "api/status?token=a-sandbox-token")
    server.stop()
    assert "a-sandbox-token" not in server.log.read_text()


def test_it_stops_when_told_to(sandbox: Any):
    server = sandbox.start()
    server.stop()
    assert server.process.returncode is not None
