"""The `node` rows of the command line."""

import argparse
import dataclasses
import json

from practicum_local import progress
from practicum_local.keeper import KeeperError
from practicum_local.node import Node, NodeError
from practicum_local.paths import Paths
from practicum_local.preflight import PreflightError
from practicum_local.runtime import RuntimeUnavailableError
from practicum_local.settings import Settings

EXPECTED_ERRORS = (KeeperError, NodeError, PreflightError, RuntimeUnavailableError)
"""Errors whose message is all a person needs."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `node up|down|status` to the table of subcommands."""
    node = commands.add_parser("node", help="the local Kubernetes node")
    actions = node.add_subparsers(required=True, metavar="ACTION")
    up = actions.add_parser("up", help="bring it up, or to where it should be")
    up.set_defaults(command=_up)
    down = actions.add_parser("down", help="end it")
    down.add_argument("--purge", action="store_true", help="forget its objects and volumes too")
    down.set_defaults(command=_down)
    status = actions.add_parser("status", help="say what runs")
    status.add_argument("--json", action="store_true", help="for a program to read")
    status.set_defaults(command=_status)


def _up(_: argparse.Namespace, __: Paths) -> int:
    node = Node(Settings())
    node.up(progress.SCREEN)
    print(node.kubeconfig)  # noqa: T201 - the command's answer
    return 0


def _down(arguments: argparse.Namespace, _: Paths) -> int:
    Node(Settings()).down(progress.SCREEN, purge=arguments.purge)
    return 0


def _status(arguments: argparse.Namespace, _: Paths) -> int:
    status = Node(Settings()).status()
    text = json.dumps(dataclasses.asdict(status), indent=2) if arguments.json else status.describe()
    print(text)  # noqa: T201 - the command's answer
    return 0 if status.ready else 1
