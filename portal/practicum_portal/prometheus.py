"""The seam to Prometheus: instant queries in PromQL."""

import math
from dataclasses import dataclass
from typing import Protocol

import httpx
from typing_extensions import override


class PrometheusAwayError(Exception):
    """Prometheus did not answer, or not with figures; the text says why."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One value with its labels."""

    labels: dict[str, str]
    value: float


class Prometheus(Protocol):
    """What the portal asks of Prometheus."""

    async def query(self, expression: str) -> tuple[Sample, ...]:
        """Return the vector that ``expression`` is now; without samples that are not numbers."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


class PrometheusApi(Prometheus):
    """`Prometheus` over HTTP."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    @override
    async def close(self) -> None:
        await self._client.aclose()

    @override
    async def query(self, expression: str) -> tuple[Sample, ...]:
        try:
            response = await self._client.post("/api/v1/query", data={"query": expression})
            answer = response.json()
        except httpx.HTTPError as error:
            raise PrometheusAwayError(f"Prometheus does not answer ({type(error).__name__})") from (
                error
            )
        except ValueError as error:
            raise PrometheusAwayError("Prometheus answered with something else") from error
        if not isinstance(answer, dict) or answer.get("status") != "success":
            raise PrometheusAwayError(f"Prometheus refused the query ({response.status_code})")
        samples = (
            Sample(item["metric"], float(item["value"][1])) for item in answer["data"]["result"]
        )
        return tuple(sample for sample in samples if math.isfinite(sample.value))


class NoPrometheus(Prometheus):
    """A site without Prometheus: figures are absent and say so."""

    @override
    async def close(self) -> None:
        return

    @override
    async def query(self, expression: str) -> tuple[Sample, ...]:
        raise PrometheusAwayError("no Prometheus is configured")
