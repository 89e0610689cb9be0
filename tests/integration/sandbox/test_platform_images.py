"""The other images run on their Python, and keep nothing of the machine they were made on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from practicum_local.chroot import Chroot, mounted
from practicum_local.images import USUAL, Images

IMPORT_ALL = """
import importlib, pkgutil, sys, warnings
warnings.simplefilter("error", SyntaxWarning)
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}."):
        if ".migrations." not in module.name:  # scripts of Alembic's
            importlib.import_module(module.name)
"""


@contextmanager
def opened(images: Images, name: str) -> Iterator[Chroot]:
    with mounted(images.buildah, str(images.build([name])[name])) as chroot:
        yield chroot


def run(image: Chroot, *command: str) -> str:
    process = image.start([*command])
    output, _ = process.communicate()
    text = output.decode()
    assert process.returncode == 0, text
    return text


@pytest.mark.parametrize(
    ("name", "packages"),
    [
        ("control", ["practicum_api", "practicum_operator", "practicum_portal"]),
        ("hub", ["practicum_api"]),
    ],
)
def test_our_code_imports_on_the_images_python(images: Images, name: str, packages: list[str]):
    with opened(images, name) as image:
        run(image, "python", "-c", IMPORT_ALL, *packages)


def test_the_portal_describes_itself(images: Images):
    with opened(images, "control") as image:
        described = json.loads(run(image, "python", "-m", "practicum_portal", "openapi"))
    assert described["openapi"].startswith("3.")


@pytest.mark.parametrize(
    ("name", "command", "expected"),
    [
        ("hub", "jupyterhub --version", "6.1."),
        ("hub", "python -c 'from practicum_hub import spawner'", ""),
        ("proxy", "configurable-http-proxy --version", "5.3."),
        ("prometheus", "prometheus --version", "prometheus, version 2."),
        ("grader", "python /opt/practicum/verify.py", "as expected"),
    ],
)
def test_what_the_chart_starts_is_there(images: Images, name: str, command: str, expected: str):
    with opened(images, name) as image:
        assert expected in run(image, "sh", "-c", command)


def test_a_grader_has_nothing_that_fetches(images: Images):
    with opened(images, "grader") as image:
        found = run(
            image,
            "sh",
            "-c",
            "for p in apt-get pip pip3 curl wget git nc; do command -v $p; done; true",
        )
    assert found == ""


@pytest.mark.parametrize("name", USUAL)
def test_what_a_build_was_lent_is_not_in_the_image(images: Images, name: str):
    with opened(images, name) as image:
        assert not (image.root / "etc/pip.conf").exists()
        assert not (image.root / "root/.npmrc").exists()
        assert not list((image.root / "run/secrets").glob("*"))
        assert not any("_proxy" in variable.lower() for variable in image.environment)
