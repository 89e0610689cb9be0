"""Tables: what migrations make is what the models say, on both databases."""

import asyncio
import sqlite3

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from practicum_portal.database import Database, DatabaseAwayError
from practicum_portal.migrations import config, migrate
from practicum_portal.models import AuditRow, Base, RunRow
from practicum_portal.store import audit


@pytest.fixture
async def database(database_url):
    opened = Database(database_url, wait_seconds=10)
    yield opened
    await opened.close()


async def test_models_and_migrations_do_not_drift(database):
    def compare(connection):
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, Base.metadata)

    async with database.read() as session:
        connection = await session.connection()
        assert await connection.run_sync(compare) == []


async def test_replicas_that_start_together_migrate_once(request, database_url, tmp_path):
    if database_url.startswith("sqlite"):
        url = f"sqlite:///{tmp_path}/new.db"
    else:
        url = database_url
        database = Database(url)
        async with database.write() as session:
            await session.execute(text("DROP SCHEMA public CASCADE"))
            await session.execute(text("CREATE SCHEMA public"))
        await database.close()
    replicas = [Database(url, wait_seconds=20) for _ in range(3)]
    await asyncio.gather(*(migrate(replica) for replica in replicas))
    async with replicas[0].read() as session:
        versions = (await session.execute(text("SELECT version_num FROM alembic_version"))).all()
    assert len(versions) == 1
    await asyncio.gather(*(replica.close() for replica in replicas))


async def test_audit_lines_of_before_are_kept_and_belong_to_no_cohort(portal, database):
    async with database.write() as session:
        connection = await session.connection()
        await connection.run_sync(lambda plain: command.downgrade(config(plain), "0001"))
        await session.execute(
            text(
                "INSERT INTO audit (at, actor, action, cohort, target, detail) VALUES"
                " ('2026-03-02 09:00:00', 'admin', 'roster.import', 'class-a', 'class-a', '{}')"
            )
        )
    await migrate(database)
    admin = await portal.sign_in("admin", admin=True)
    lines = (await admin.get("/api/v1/audit?cohort=class-a")).json()["items"]
    assert [line["action"] for line in lines] == ["roster.import"]
    instructor = await portal.sign_in("instructor")
    assert (await instructor.get("/api/v1/audit?cohort=class-a")).json()["items"] == []


async def test_runs_of_before_are_measured(portal, make, database):
    portal.kubernetes.put("sandboxes", make.sandbox())
    await portal.settled()
    reporter = portal.sandbox_client("trainee", "lora")
    await reporter.put("/api/v1/runs/run00001", json={"config": {"lr": 0.1}})
    points = [{"seq": n, "step": n, "time": 0, "values": {"loss": 0.5}} for n in range(9)]
    await reporter.post("/api/v1/runs/run00001/points", json={"points": points})
    async with database.read() as session:
        counted = await session.scalar(select(RunRow.bytes))
    async with database.write() as session:
        connection = await session.connection()
        await connection.run_sync(lambda plain: command.downgrade(config(plain), "0002"))
    await migrate(database)
    async with database.read() as session:
        assert abs(await session.scalar(select(RunRow.bytes)) - counted) <= len("{}")


@pytest.mark.parametrize("statement", [update(AuditRow).values(actor="x"), delete(AuditRow)])
async def test_the_audit_log_can_not_be_changed(portal, statement):
    database = portal.container.clients.database
    async with database.write() as session:
        deed = audit.Deed("admin", "cohort.create", "llm")
        await audit.note(session, deed, now=portal.clock())
    with pytest.raises((DBAPIError, DatabaseAwayError)):
        async with database.write() as session:
            await session.execute(statement)
    async with database.read() as session:
        rows = await audit.latest(session, cohort=None, before=None, limit=10)
    assert [row.actor for row in rows] == ["admin"]


async def test_a_transaction_that_fails_leaves_nothing(portal):
    database = portal.container.clients.database

    async def fail():
        async with database.write() as session:
            await audit.note(session, audit.Deed("admin", "x", "y"), now=portal.clock())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with database.read() as session:
        assert not await audit.latest(session, cohort=None, before=None, limit=10)


@pytest.mark.usefixtures("sqlite_is_quiet")
async def test_a_database_that_is_away_is_told_as_such(tmp_path):
    for url in (f"sqlite:///{tmp_path}/no/such/folder.db", "postgresql://x@127.0.0.1:1/none"):
        database = Database(url, wait_seconds=1)
        with pytest.raises(DatabaseAwayError):
            async with database.read() as session:
                await session.execute(text("SELECT 1"))
        await database.close()


@pytest.mark.parametrize("database_kind", ["postgresql"])
async def test_a_url_says_as_for_libpq_whether_the_way_is_encrypted(database_url):
    plain = Database(f"{database_url}?sslmode=prefer")
    async with plain.read() as session:
        assert await session.scalar(text("SELECT 1")) == 1
    await plain.close()
    strict = Database(f"{database_url}?sslmode=require")
    with pytest.raises(DatabaseAwayError) as caught:
        async with strict.read() as session:
            await session.execute(text("SELECT 1"))
    assert "SSL" in caught.value.params["cause"]
    await strict.close()


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_schema_that_does_not_fit_is_in_the_log(portal, caplog):
    trainee = await portal.sign_in("trainee")
    async with portal.container.clients.database.write() as session:
        await session.execute(text("ALTER TABLE runs RENAME COLUMN name TO title"))
    assert (await trainee.get("/api/v1/runs")).status_code == 503
    assert "no such column: runs.name" in caplog.text


@pytest.mark.usefixtures("sqlite_is_quiet")
async def test_writers_queue_fairly_on_sqlite(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/queue.db", wait_seconds=20)
    async with database.write() as session:
        await session.execute(text("CREATE TABLE counted (n INTEGER)"))

    async def add(number):
        async with database.write() as session:
            await session.execute(text("INSERT INTO counted VALUES (:n)"), {"n": number})

    await asyncio.gather(*(add(number) for number in range(50)))
    async with database.read() as session:
        found = (await session.scalars(text("SELECT n FROM counted ORDER BY rowid"))).all()
    assert list(found) == list(range(50))
    await database.close()
    with sqlite3.connect(tmp_path / "queue.db") as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    plain.close()


SAME = [
    ("/api/v1/me", 1),
    ("/api/v1/labs", 1),
    ("/api/v1/sandboxes?cohort=class-a", 1),
    ("/api/v1/cohorts", 2),
    ("/api/v1/cohorts/class-a", 2),
    ("/api/v1/cohorts/class-a/members", 2),
    ("/api/v1/cohorts/class-a/table", 3),
    ("/api/v1/runs", 2),
    ("/api/v1/runs/run00000", 2),
    ("/api/v1/audit?cohort=class-a", 2),
    ("/api/v1/usage", 1),
    ("/", 2),
    ("/sandboxes/class-a/user-0--lora", 2),
    ("/runs", 2),
    ("/runs/run00000", 4),
    ("/cohorts", 2),
    ("/cohorts/class-a", 4),
    ("/cohorts/class-a/members", 3),
]
"""What may be read, and how many statements that takes however much there is."""


async def test_statements_do_not_grow_with_what_there_is(portal, make, on_roster):
    instructor = await portal.sign_in("instructor")

    async def grow(first, last):
        for number in range(first, last):
            await on_roster(portal, "class-a", **{f"user-{number}": "trainee"})
            portal.kubernetes.put("sandboxes", make.sandbox(owner=f"user-{number}"))
            await portal.settled()
            reporter = portal.sandbox_client(f"user-{number}", "lora")
            response = await reporter.put(f"/api/v1/runs/run0000{number}", json={})
            assert response.status_code == 200, response.text

    async def counted():
        counts = {}
        for path, _ in SAME:
            portal.statements.clear()
            response = await instructor.get(path, headers={"Accept": "text/html"})
            assert response.status_code == 200, response.text
            counts[path] = len(portal.statements)
        return counts

    await grow(0, 1)
    few = await counted()
    await grow(1, 8)
    many = await counted()
    assert few == dict(SAME)
    assert [path for path in many if many[path] > few[path]] == []
    assert {call[0] for call in portal.kubernetes.calls} <= {"list", "watch"}


@pytest.mark.parametrize("path", ["/", "/cohorts/class-a", "/api/v1/cohorts/class-a/table"])
async def test_what_is_read_again_and_again_is_short(portal, make, path):
    instructor = await portal.sign_in("instructor")
    portal.kubernetes.put("sandboxes", make.sandbox(owner="instructor"))
    await portal.settled()
    reporter = portal.sandbox_client("instructor", "lora")
    for run in ("run00001", "run00002"):
        await reporter.put(f"/api/v1/runs/{run}", json={"name": f"the {run}"})
    portal.statements.clear()
    page = await instructor.get(path, headers={"Accept": "text/html"})
    assert "the run00002" in page.text
    assert "the run00001" not in page.text
    assert not [text for text in portal.statements if "environment" in text]


async def test_requests_that_need_a_database_that_is_away_say_so(settings, opened):
    gone = settings.model_copy(
        update={"database_url": "postgresql://x@127.0.0.1:1/none", "database_wait_seconds": 1}
    )
    async with opened(gone) as portal:
        client = portal.client(cookies={"practicum": "secret"})
        response = await client.get("/api/v1/me")
        assert (response.status_code, response.json()["code"]) == (503, "database-away")
        page = await client.get("/", headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["retry-after"]) == (503, "5")
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["database"]) == (503, False)
        assert (await client.get("/healthz")).status_code == 200
