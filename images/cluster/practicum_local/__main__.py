"""The command line of the local platform: `python -m practicum_local`."""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Sequence

from practicum_local import (
    image_commands,
    installation_commands,
    node_commands,
    programs,
    progress,
    toolchain,
)
from practicum_local.buildah import ImageError
from practicum_local.paths import Paths

Command = Callable[[argparse.Namespace, Paths], int]
EXPECTED_ERRORS = (
    programs.BuildError,
    ImageError,
    toolchain.ToolchainError,
    *node_commands.EXPECTED_ERRORS,
    *installation_commands.EXPECTED_ERRORS,
)
"""Errors whose message is all a person needs."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; what goes wrong in a known way ends with its message alone."""
    arguments = parser().parse_args(argv)
    command: Command = arguments.command
    try:
        return command(arguments, Paths.from_environment())
    except EXPECTED_ERRORS as error:
        progress.note(f"Error: {error}")
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # who read has had enough
        return 0
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EROFS}:
            raise
        progress.note(f"Error: {error}. Make room, or set PRACTICUM_CACHE, and run it again.")
        return 1
    except KeyboardInterrupt:
        progress.note("Stopped. Run the same command again to go on.")
        return 130


def parser() -> argparse.ArgumentParser:
    """The table of subcommands."""
    top = argparse.ArgumentParser(prog="python -m practicum_local", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_toolchain(commands)
    _add_build(commands)
    node_commands.add(commands)
    image_commands.add(commands)
    installation_commands.add(commands)
    return top


def _add_toolchain(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    tools = commands.add_parser("toolchain", help="tools from the package registries")
    actions = tools.add_subparsers(required=True, metavar="ACTION")
    install = actions.add_parser("install", help="install what is missing")
    install.add_argument("--only", action="append", choices=sorted(toolchain.STEPS), metavar="STEP")
    install.set_defaults(command=_install)


def _add_build(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    builder = commands.add_parser("build", help="build programs from their Go modules")
    builder.add_argument("program", nargs="*", metavar="PROGRAM", help=", ".join(programs.PROGRAMS))
    builder.set_defaults(command=_build)


def _install(arguments: argparse.Namespace, paths: Paths) -> int:
    toolchain.install(arguments.only or toolchain.STEPS, paths)
    return 0


def _build(arguments: argparse.Namespace, paths: Paths) -> int:
    unknown = set(arguments.program) - set(programs.PROGRAMS)
    if unknown:
        raise programs.BuildError(f"no such program: {', '.join(sorted(unknown))}")
    for name in arguments.program or programs.PROGRAMS:
        print(programs.ensure(programs.PROGRAMS[name], paths))  # noqa: T201 - the command's answer
    return 0


if __name__ == "__main__":
    sys.exit(main())
