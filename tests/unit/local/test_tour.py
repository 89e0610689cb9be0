"""The main job is walked once a release, and never over someone's work."""

from pathlib import Path

import pytest

from practicum_local import tour, walk
from practicum_local.demo import Addresses

SITE = Addresses(portal="http://practicum.localhost:8080", hub="http://practicum.localhost:8000")
SHOTS = Path("/nowhere")


class FakeCluster:
    """A cluster with one annotated namespace, and sandboxes of people."""

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


def test_a_sandbox_that_someone_made_is_left_alone(cluster, walks):
    cluster.left = ["sandbox.practicum.dev/trainee--lora"]
    tour.walk_once(cluster, SITE, SHOTS)
    assert not walks
    assert not cluster.annotations


def test_a_walk_that_was_stopped_is_taken_up_again(cluster, walks, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(walk, "main_job", stopped)
        with pytest.raises(KeyboardInterrupt):
            tour.walk_once(cluster, SITE, SHOTS)
    cluster.left = ["sandbox.practicum.dev/trainee--lora"]
    tour.walk_once(cluster, SITE, SHOTS)
    assert len(walks) == 1
    assert cluster.annotations[tour.ANNOTATION] == tour.fingerprint(cluster)
