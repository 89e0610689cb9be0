"""The one module that asks a sandbox what it is doing, on the port only the operator reaches.

Whoever works in the sandbox decides what answers there, so an answer can be anything, of any size.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import aiohttp
from pydantic_core import from_json

from practicum_operator.builders.policies import ACTIVITY_PORT
from practicum_operator.plan import ActivityView
from practicum_operator.views import parse_time

_OK = 200
_LONGEST_ANSWER = 64 * 1024
_QUIET_PERCENT = 5.0


class Activity:
    """Asks sandboxes for their activity."""

    def __init__(self, session: aiohttp.ClientSession, wait: float = 5.0) -> None:
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=wait)

    async def ask(self, ip: str, now: datetime) -> ActivityView:
        """Return what the sandbox at ``ip`` is doing; ``busy`` is None when it does not say."""
        host = f"[{ip}]" if ":" in ip else ip
        try:
            async with self._session.get(
                f"http://{host}:{ACTIVITY_PORT}/activity",
                timeout=self._timeout,
                headers={"Accept-Encoding": "identity"},
                auto_decompress=False,
                allow_redirects=False,
            ) as response:
                if response.status != _OK:
                    return ActivityView(now, None)
                return judge(from_json(await _read(response.content)), now)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return ActivityView(now, None)


async def _read(stream: aiohttp.StreamReader) -> bytes:
    """Return all that a stream holds; raise ValueError when that is too much."""
    raw = b""
    async for chunk in stream.iter_any():
        raw += chunk
        if len(raw) > _LONGEST_ANSWER:
            raise ValueError("the answer is too long")
    return raw


def judge(answer: Any, now: datetime) -> ActivityView:
    """Return what an answer says: busy with a kernel, an accelerator or a run, or since when not.

    Whatever can't be read counts as no answer, which in turn counts as busy. Nothing has happened
    later than ``now``.
    """
    if not isinstance(answer, Mapping) or not isinstance(answer.get("busy"), bool):
        return ActivityView(now, None)
    try:
        last = parse_time(answer.get("last_activity"))
        busy = answer["busy"] or bool(answer.get("runs")) or _accelerator_busy(answer)
    except (TypeError, ValueError, AttributeError, LookupError, OverflowError):
        return ActivityView(now, None)
    return ActivityView(now, busy, min(last, now) if last else None)


def _accelerator_busy(answer: Mapping[str, Any]) -> bool:
    accelerators = answer.get("accelerators") or []
    return any(float(item["utilization_percent"]) > _QUIET_PERCENT for item in accelerators)
