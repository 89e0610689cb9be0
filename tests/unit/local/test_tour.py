"""The main job is walked once for what is installed."""

from pathlib import Path

import pytest

from practicum_local import tour, walk
from practicum_local.demo import Addresses

SITE = Addresses(portal="http://practicum.localhost:8080", hub="http://practicum.localhost:8000")
SHOTS = Path("/nowhere")


class FakeCluster:
    """A cluster with one annotated namespace, and what is left in the demo's."""

    def __init__(self):
        self.manifest = "release 1"
        self.left = []
        self.annotations = {}

    def helm(self, *_arguments):
        return self.manifest

    def get(self, *_arguments):
        return {"metadata": {"annotations": dict(self.annotations)}}

    def kubectl(self, verb, *arguments):
        if verb == "annotate":
            name, _, value = arguments[-1].partition("=")
            self.annotations[name] = value
            return ""
        return "" if arguments[0] == "labs" else "\n".join(self.left)


@pytest.fixture
def cluster():
    return FakeCluster()


@pytest.fixture
def walks(monkeypatch):
    made = []
    monkeypatch.setattr(walk, "main_job", lambda *given: made.append(given))
    return made


def test_a_release_is_walked_once(cluster, walks):
    tour.walk_once(cluster, SITE, SHOTS)
    tour.walk_once(cluster, SITE, SHOTS)
    assert len(walks) == 1


def test_what_changed_is_walked_again(cluster, walks):
    tour.walk_once(cluster, SITE, SHOTS)
    cluster.manifest = "release 2"
    tour.walk_once(cluster, SITE, SHOTS)
    assert len(walks) == 2


def test_a_walk_that_was_stopped_is_walked_again(cluster, walks, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(walk, "main_job", stopped)
        with pytest.raises(KeyboardInterrupt):
            tour.walk_once(cluster, SITE, SHOTS)
    assert not cluster.annotations
    tour.walk_once(cluster, SITE, SHOTS)
    assert len(walks) == 1
    assert cluster.annotations[tour.ANNOTATION] == tour.fingerprint(cluster)


def test_only_what_belongs_to_the_owner_is_left_over(cluster):
    cluster.left = ["pod/guide--lora-1", "pod/trainee--lora-1", "secret/guided--lora-1"]
    assert walk.left_over(cluster, "guide--") == ["pod/guide--lora-1"]
