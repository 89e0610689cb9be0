"""A sandbox may answer anything; the operator reads little of it and goes nowhere else."""

import zlib
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from practicum_operator import activity
from practicum_operator.activity import Activity

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
QUIET = b'{"busy": false}'


async def elsewhere(_request: web.Request) -> web.Response:
    return web.Response(body=QUIET, content_type="application/json")


async def redirect(_request: web.Request) -> web.Response:
    raise web.HTTPFound("/elsewhere")


async def long(_request: web.Request) -> web.Response:
    return web.Response(body=QUIET + b" " * 10**7, content_type="application/json")


async def packed(_request: web.Request) -> web.Response:
    headers = {"Content-Encoding": "deflate", "Content-Type": "application/json"}
    return web.Response(body=zlib.compress(QUIET + b" " * 10**7), headers=headers)


async def nested(_request: web.Request) -> web.Response:
    return web.Response(body=b"[" * 30_000, content_type="application/json")


async def plain(request: web.Request) -> web.Response:
    assert request.headers["Accept-Encoding"] == "identity"
    return web.Response(body=QUIET, content_type="text/html")


@pytest.mark.parametrize(
    ("handler", "busy"),
    [(plain, False), (redirect, None), (long, None), (packed, None), (nested, None)],
)
async def test_what_is_not_a_short_plain_answer_is_none(monkeypatch, handler, busy) -> None:
    application = web.Application()
    application.router.add_get("/activity", handler)
    application.router.add_get("/elsewhere", elsewhere)
    async with TestServer(application) as server, aiohttp.ClientSession() as session:
        monkeypatch.setattr(activity, "ACTIVITY_PORT", server.port)
        view = await Activity(session).ask("127.0.0.1", NOW)
    assert view.busy is busy


async def test_nobody_there_is_no_answer(monkeypatch, unused_tcp_port) -> None:
    monkeypatch.setattr(activity, "ACTIVITY_PORT", unused_tcp_port)
    async with aiohttp.ClientSession() as session:
        assert (await Activity(session).ask("127.0.0.1", NOW)).busy is None
