"""The watch cache, against an API that can be silent, late, conflicting and expired."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from practicum_api.sandbox import DesiredState, Sandbox, SandboxStatus
from practicum_hub import sandboxes as module
from practicum_hub.sandboxes import (
    Change,
    ExpiredError,
    Key,
    Listing,
    Sandboxes,
    UnavailableError,
)


def made(name: str, version: int, *, owner: str = "trainee", **more: Any) -> Sandbox:
    metadata = {"name": name, "namespace": "practicum-a", "resourceVersion": str(version)} | more
    spec = {"owner": owner, "lab": "lora"}
    return Sandbox.model_validate({"metadata": metadata, "spec": spec})


class Script:
    """An API that answers what it is told to, one answer a call."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[str] = []
        self.done = asyncio.Event()

    def _next(self, call: str) -> Any:
        self.calls.append(call)
        if not self.answers:
            self.done.set()
            return None
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def list(self) -> Listing:
        found = self._next("list")
        if found is None:
            await asyncio.Event().wait()
        return Listing(*found)

    async def watch(self, resource_version: str) -> AsyncIterator[Change]:
        found = self._next(f"watch {resource_version}")
        if found is None:
            await asyncio.Event().wait()
        for item in found:
            if isinstance(item, Exception):
                raise item
            yield item

    async def get(self, key: Key) -> Sandbox | None:
        found: Sandbox | None = self._next(f"get {key[1]}")
        return found

    async def set_desired_state(self, sandbox: Sandbox, state: DesiredState) -> Sandbox | None:
        raise NotImplementedError

    async def token(self, namespace: str, secret: str) -> str | None:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.0)


async def play(*answers: Any) -> tuple[Sandboxes, Script]:
    """Run the watch until it has used up its script."""
    script = Script(*answers)
    found = Sandboxes(script)
    found.ensure_watching()
    await asyncio.wait_for(script.done.wait(), 10)
    await found.close()
    return found, script


async def test_it_lists_and_follows() -> None:
    found, script = await play(
        ((made("a", 1),), "5"),
        [Change("5"), Change("6", made("b", 6, owner="trainee-2")), Change("7")],
    )
    assert found.find("trainee", "lora") == made("a", 1)
    assert found.find("trainee-2", "lora") is not None
    assert found.find("trainee", "other") is None
    assert script.calls == ["list", "watch 5", "watch 7"]
    assert found.synced


async def test_silence_changes_nothing_and_is_known() -> None:
    found, script = await play(
        ((made("a", 1),), "5"), [Change("5"), UnavailableError("cut")], UnavailableError("still")
    )
    assert found.find("trainee", "lora") is not None
    assert script.calls == ["list", "watch 5", "watch 5", "watch 5"]
    assert not found.following


async def test_before_the_first_listing_nothing_is_known() -> None:
    found, _ = await play(UnavailableError("away"), UnavailableError("away"))
    assert not found.synced
    assert not found.following


async def test_after_a_gap_it_lists_again_and_forgets_what_went() -> None:
    found, script = await play(
        ((made("a", 1), made("b", 2, owner="trainee-2")), "5"),
        ExpiredError("410"),
        ((made("a", 8),), "9"),
    )
    assert found.find("trainee-2", "lora") is None
    assert script.calls == ["list", "watch 5", "list", "watch 9"]


async def test_an_older_event_does_not_undo_an_answer() -> None:
    found, _ = await play(((made("a", 1),), "1"), [Change("1")])
    found.remember(made("a", 9))
    found.remember(made("a", 4))
    known = found.find("trainee", "lora")
    assert known is not None
    assert known.metadata.resource_version == "9"


async def test_a_restored_cluster_may_count_from_the_start() -> None:
    found, _ = await play(((made("a", 900),), "901"), ExpiredError("410"), ((made("a", 3),), "4"))
    known = found.find("trainee", "lora")
    assert known is not None
    assert known.metadata.resource_version == "3"


async def test_watches_that_end_at_once_are_not_repeated_without_a_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(module.asyncio, "sleep", pause)
    await play(((), "1"), [Change("2")], [Change("3")], ExpiredError("410"), ((), "4"))
    assert pauses == [module.BREATH] * 3


async def test_deleted_is_gone() -> None:
    found, _ = await play(((made("a", 1),), "1"), [Change("2", made("a", 2), deleted=True)])
    assert found.find("trainee", "lora") is None


async def test_only_cohorts_count() -> None:
    found, _ = await play(((made("a", 1, namespace="practicum"), made("b", 2, namespace="x")), "3"))
    assert found.find("trainee", "lora") is None


async def test_of_several_the_oldest_counts() -> None:
    old, young = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
    found, _ = await play(
        ((made("b", 1, creationTimestamp=young), made("z", 2, creationTimestamp=old)), "3")
    )
    known = found.find("trainee", "lora")
    assert known is not None
    assert known.metadata.name == "z"


@pytest.mark.parametrize(
    ("kind", "status", "reason", "name"),
    [
        ("Duplicate", "True", "Duplicate", "young"),
        ("Ready", "False", "UnknownCohort", "young"),
        ("Ready", "False", "Suspended", "old"),
    ],
)
async def test_what_the_operator_passes_over_does_not_count(kind, status, reason, name) -> None:
    said = SandboxStatus.model_validate(
        {"conditions": [{"type": kind, "status": status, "reason": reason}]}
    )
    old = made("old", 1, creationTimestamp="2026-01-01T00:00:00Z")
    old = old.model_copy(update={"status": said})
    young = made("young", 2, creationTimestamp="2026-02-01T00:00:00Z")
    both, _ = await play(((old, young), "3"))
    known = both.find("trainee", "lora")
    assert known is not None
    assert known.metadata.name == name
    # Alone it still tells why it does not start.
    alone, _ = await play(((old,), "3"))
    assert alone.find("trainee", "lora") == old


async def test_waiting_ends_with_the_news_or_with_the_time() -> None:
    script = Script(((made("a", 1),), "1"))
    found = Sandboxes(script)
    waiting = asyncio.create_task(
        found.wait(
            "trainee",
            "lora",
            lambda item: item is not None and item.metadata.resource_version == "7",
            10,
        )
    )
    await asyncio.wait_for(script.done.wait(), 10)
    found.remember(made("a", 7))
    assert await waiting == made("a", 7)
    assert await found.wait("trainee", "lora", lambda item: item is None, 0.01) == made("a", 7)
    await found.close()


async def test_reading_again_forgets_what_is_gone() -> None:
    found, script = await play(((made("a", 1),), "1"))
    script.answers = [None]
    assert await found.refresh(made("a", 1)) is None
    assert found.find("trainee", "lora") is None
