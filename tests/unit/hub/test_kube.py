"""What comes over the wire from the Kubernetes API."""

from typing import Any

import pytest

from practicum_hub import kube
from practicum_hub.sandboxes import Change, ExpiredError, UnavailableError

BODY: dict[str, Any] = {
    "metadata": {"name": "a", "namespace": "practicum-a", "resourceVersion": "7"},
    "spec": {"owner": "trainee", "lab": "lora"},
}


def test_events() -> None:
    added = kube.read_event({"type": "ADDED", "object": BODY})
    assert added.sandbox is not None
    assert (added.resource_version, added.deleted) == ("7", False)
    assert kube.read_event({"type": "DELETED", "object": BODY}).deleted
    mark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}}
    assert kube.read_event(mark) == Change("9")


@pytest.mark.parametrize(
    ("code", "error"), [(410, ExpiredError), (500, UnavailableError), (520, UnavailableError)]
)
def test_error_events(code: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        kube.read_event({"type": "ERROR", "object": {"kind": "Status", "code": code}})


def test_what_can_not_be_read_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    broken = BODY | {"spec": {"owner": "trainee", "lab": "Not A Name"}}
    assert kube.parse(broken) is None
    assert "practicum-a/a: can't read spec.lab" in caplog.text
    assert kube.read_event({"type": "MODIFIED", "object": broken}).sandbox is None
