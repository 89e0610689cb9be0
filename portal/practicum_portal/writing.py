"""Writing intent to Kubernetes, and what its refusals mean for a person."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from practicum_api.cohort import Cohort
from practicum_api.sandbox import Sandbox
from practicum_portal.cluster import Cluster
from practicum_portal.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    ProblemError,
    UnavailableError,
)
from practicum_portal.kubernetes import Body, Kubernetes, KubernetesAwayError, KubernetesError

_TRIES = 5


class ClusterAwayError(UnavailableError):
    """The Kubernetes API does not answer. Nothing was changed, as far as the portal knows."""

    code = "cluster-away"

    def __init__(self, cause: str, retry_after: float | None = None) -> None:
        super().__init__(
            "The cluster does not answer at the moment.",
            hint="What runs goes on running. Try again in a few seconds.",
            retry_after=retry_after or 5,
            params={"cause": cause},
        )


class CollisionError(ConflictError):
    """Something else was quicker: the name is taken, or the version has moved on."""

    code = "collision"

    def __init__(self) -> None:
        super().__init__(
            "Something else changed it at the same moment.", hint="Look again, then try again."
        )


def problem_of(error: KubernetesError) -> ProblemError:
    """Return what a refusal of the API server means for the person who asked."""
    if error.status == HTTPStatus.NOT_FOUND:
        return NotFoundError("It does not exist, or no longer.", hint="Reload the page.")
    if error.status in {HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.BAD_REQUEST}:
        return InvalidError(
            error.message or "The cluster finds this not valid.",
            hint="Correct the fields that are named and send it again.",
            code="refused-by-cluster",
            errors=tuple(
                {"field": cause.get("field", ""), "message": cause.get("message", "")}
                for cause in error.causes
            ),
        )
    if error.status == HTTPStatus.FORBIDDEN:
        return _forbidden(error)
    if error.status == HTTPStatus.CONFLICT:
        return CollisionError()
    return ClusterAwayError(error.reason, error.retry_after)


def _forbidden(error: KubernetesError) -> ProblemError:
    if "exceeded quota" in error.message:
        return ConflictError(
            "The cohort's quota is used up.",
            hint="Suspend or delete a sandbox, or ask an administrator for more.",
            code="quota-exceeded",
        )
    if "being terminated" in error.message:
        return ConflictError(
            "The cohort's room is being removed.",
            hint="Wait until it is gone, or use another cohort.",
            code="terminating",
        )
    return UnavailableError(
        "The portal lacks a permission on the cluster.",
        hint="An administrator finds it in the portal's log: its ClusterRole is incomplete.",
        code="portal-not-allowed",
    )


@asynccontextmanager
async def asking() -> AsyncIterator[None]:
    """Turn what the API server refuses, or that it is away, into problems for a person."""
    try:
        yield
    except KubernetesError as error:
        raise problem_of(error) from error
    except KubernetesAwayError as error:
        raise ClusterAwayError(str(error)) from error


class Writer:
    """Creates, changes and deletes Sandboxes and Cohorts; the cache hears of it at once."""

    def __init__(self, api: Kubernetes, cluster: Cluster) -> None:
        self._api = api
        self._cluster = cluster

    async def create_sandbox(self, body: Body, *, namespace: str) -> Sandbox | None:
        """Create a Sandbox; return None when one of that name is there."""
        try:
            async with asking():
                stored = await self._api.create("sandboxes", body, namespace)
        except CollisionError:
            return None
        self._cluster.sandboxes.put(stored)
        return Sandbox.model_validate(stored)

    async def fetch_sandbox(self, name: str, *, namespace: str) -> Sandbox:
        """Return a Sandbox as the API server has it, past the cache."""
        async with asking():
            stored = await self._api.get("sandboxes", name, namespace)
        self._cluster.sandboxes.put(stored)
        return Sandbox.model_validate(stored)

    async def change_sandbox(
        self, sandbox: Sandbox, decide: Callable[[Sandbox], dict[str, Any]]
    ) -> Sandbox:
        """Change the spec as ``decide`` says for the Sandbox as it is; {} leaves it.

        The change holds only for the version it was decided for: when something else was
        quicker, it is decided anew.
        """
        name, namespace = sandbox.metadata.name, sandbox.metadata.namespace
        for _ in range(_TRIES):
            spec = decide(sandbox)
            if not spec:
                return sandbox
            version = sandbox.metadata.resource_version
            body = {"metadata": {"resourceVersion": version}, "spec": spec}
            try:
                async with asking():
                    stored = await self._api.patch("sandboxes", name, body, namespace)
            except CollisionError:
                sandbox = await self.fetch_sandbox(name, namespace=namespace)
                continue
            self._cluster.sandboxes.put(stored)
            return Sandbox.model_validate(stored)
        raise ConflictError(
            "The sandbox changes too quickly at the moment.", hint="Try again in a few seconds."
        )

    async def delete_sandbox(self, sandbox: Sandbox) -> None:
        """Ask for deletion of that very Sandbox; one that is gone is fine."""
        try:
            async with asking():
                await self._api.delete(
                    "sandboxes",
                    sandbox.metadata.name,
                    sandbox.metadata.namespace,
                    uid=sandbox.metadata.uid,
                )
        except NotFoundError:
            return

    async def create_cohort(self, body: Body) -> Cohort | None:
        """Create a Cohort; return None when one of that name is there."""
        try:
            async with asking():
                stored = await self._api.create("cohorts", body)
        except CollisionError:
            return None
        self._cluster.cohorts.put(stored)
        return Cohort.model_validate(stored)

    async def change_cohort(self, name: str, spec: dict[str, Any]) -> Cohort:
        """Change the given parts of a Cohort's spec."""
        async with asking():
            stored = await self._api.patch("cohorts", name, {"spec": spec})
        self._cluster.cohorts.put(stored)
        return Cohort.model_validate(stored)

    async def delete_cohort(self, cohort: Cohort) -> None:
        """Ask for deletion of that very Cohort; the operator holds it back while work is in it."""
        try:
            async with asking():
                await self._api.delete("cohorts", cohort.metadata.name, uid=cohort.metadata.uid)
        except NotFoundError:
            return
