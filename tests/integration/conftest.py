"""Fixtures of all integration tests: one real API server for the whole session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from practicum_local.controlplane import ControlPlane


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """etcd, API server and controller manager; no scheduler and no node."""
    with ControlPlane(controllers=True) as plane:
        yield plane


@pytest.fixture(scope="session")
def admin_kubeconfig(control_plane: ControlPlane) -> Path:
    """A kubeconfig with all rights in the session's cluster."""
    return control_plane.kubeconfig
