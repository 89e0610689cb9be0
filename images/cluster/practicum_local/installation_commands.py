"""The `up`, `down` and `status` rows of the command line."""

import argparse

import httpx

from practicum_local.browser import StuckError
from practicum_local.demo import Addresses, DemoError
from practicum_local.installation import Installation, on_cluster
from practicum_local.labs import LabsError
from practicum_local.paths import Paths
from practicum_local.process import ProcessError
from practicum_local.release import ReleaseError
from practicum_local.settings import Settings
from practicum_local.walk import WalkError

EXPECTED_ERRORS = (
    DemoError, LabsError, ProcessError, ReleaseError, StuckError, WalkError, httpx.HTTPError,
)  # fmt: skip
"""Errors whose message is all a person needs."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `up`, `down` and `status` to the table of subcommands."""
    up = commands.add_parser("up", help="start everything here and walk the main job")
    up.add_argument("--cluster", choices=["local", "current"], default="local")
    up.add_argument("--registry", help="with --cluster current: where its nodes pull images from")
    up.add_argument("--hub-url", help="with --cluster current: where browsers reach JupyterHub")
    up.add_argument("--portal-url", help="with --cluster current: where browsers reach the portal")
    up.add_argument("--no-walk", action="store_true", help="do not walk the main job")
    up.set_defaults(command=_up)
    down = commands.add_parser("down", help="stop everything; keep only the cache directory")
    down.set_defaults(command=_down)
    status = commands.add_parser("status", help="what runs, where, and as whom to sign in")
    status.add_argument("--json", action="store_true")
    status.set_defaults(command=_status)


def _up(arguments: argparse.Namespace, _: Paths) -> int:
    settings = Settings()
    if arguments.cluster == "local":
        Installation(settings).up(walked=not arguments.no_walk)
        return 0
    wanted = {"--registry": arguments.registry, "--hub-url": arguments.hub_url,
              "--portal-url": arguments.portal_url}  # fmt: skip
    missing = [name for name, value in wanted.items() if not value]
    if missing:
        raise SystemExit(f"--cluster current also needs {', '.join(missing)}")
    addresses = Addresses(portal=arguments.portal_url, hub=arguments.hub_url)
    on_cluster(settings, registry=arguments.registry, addresses=addresses,
               walked=not arguments.no_walk)  # fmt: skip
    return 0


def _down(_: argparse.Namespace, __: Paths) -> int:
    Installation(Settings.of_what_runs()).down()
    return 0


def _status(arguments: argparse.Namespace, _: Paths) -> int:
    Installation(Settings.of_what_runs()).say(as_json=arguments.json)
    return 0
