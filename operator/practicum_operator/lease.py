"""One operator at a time: the Lease that says which one acts.

A Deployment of one replica is not enough. A Pod that is evicted, or whose node no longer answers,
is replaced while it may still run, and two operators would count the same quota twice.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from practicum_operator.kubernetes import (
    AlreadyExistsError,
    Body,
    ConflictError,
    Kubernetes,
    KubernetesError,
    NotFoundError,
)
from practicum_operator.resources import LEASES

NAME: Final = "practicum-operator"
LASTS: Final = 30.0
"""Seconds after which a Lease that is not renewed may be taken."""
RENEWED_EVERY: Final = 5.0
GIVEN_UP_AFTER: Final = 20.0
"""Seconds without renewal after which its holder stops: well before another may take it."""
ASKED_EVERY: Final = 2.0

_LOG = logging.getLogger(__name__)


class LeaseLostError(RuntimeError):
    """Another operator acts now, or may soon."""


@dataclass(slots=True)
class Lease:
    """The Lease in ``namespace``, as ``holder`` sees it."""

    kubernetes: Kubernetes
    namespace: str
    holder: str
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _body: Body = field(default_factory=dict)
    _seen_at: float = 0.0
    """When this version was first seen: the clocks of two machines are not compared."""

    async def acquire(self) -> None:
        """Return when ``holder`` has it: at once if it is free, else when it has run out."""
        told = ""
        while not await self._take():
            other = self._body["spec"]["holderIdentity"]
            if other != told:
                _LOG.info("%s acts as the operator; waiting for it to end", other)
                told = other
            await self.sleep(ASKED_EVERY)

    async def keep(self) -> None:
        """Renew it for as long as possible, then raise LeaseLostError."""
        renewed = self.monotonic()
        while True:
            await self.sleep(RENEWED_EVERY)
            try:
                async with asyncio.timeout(renewed + GIVEN_UP_AFTER - self.monotonic()):
                    held = await self._take()
            except (KubernetesError, TimeoutError) as error:
                if self.monotonic() - renewed >= GIVEN_UP_AFTER - RENEWED_EVERY:
                    raise LeaseLostError(f"the Lease could not be renewed: {error}") from error
                continue
            if not held:
                raise LeaseLostError(f"{self._body['spec']['holderIdentity']} acts now")
            renewed = self.monotonic()

    async def release(self) -> None:
        """Let the next one take it at once."""
        if self._body.get("spec", {}).get("holderIdentity") == self.holder:
            self._body["spec"]["holderIdentity"] = ""
            await self.kubernetes.replace(LEASES, self._body)

    async def _take(self) -> bool:
        """Take or renew it; return whether ``holder`` has it now."""
        try:
            found = await self.kubernetes.get(LEASES, NAME, self.namespace)
        except NotFoundError:
            return await self._create()
        if found["metadata"]["resourceVersion"] != self._version:
            self._body, self._seen_at = found, self.monotonic()
        spec = found["spec"]
        other = spec.get("holderIdentity")
        if other not in {self.holder, "", None} and self.monotonic() - self._seen_at < LASTS:
            return False
        transitions = int(spec.get("leaseTransitions") or 0) + (other != self.holder)
        body = {**found, "spec": self._spec(transitions)}
        try:
            self._body = await self.kubernetes.replace(LEASES, body)
        except ConflictError:
            return False
        return True

    async def _create(self) -> bool:
        meta = {"name": NAME, "namespace": self.namespace}
        body = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": meta}
        self._body = {**body, "spec": self._spec(0)}
        try:
            await self.kubernetes.create(LEASES, self._body)
        except AlreadyExistsError:
            return False
        return True

    @property
    def _version(self) -> str:
        return str(self._body.get("metadata", {}).get("resourceVersion", ""))

    def _spec(self, transitions: int) -> Body:
        return {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": int(LASTS),
            "leaseTransitions": transitions,
            "renewTime": self.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
