"""`practicum-labs`: what authors, the image build and the main job run."""

import argparse
import sys
from collections.abc import Sequence

from practicum_labs import track
from practicum_labs.messages import say
from practicum_labs.settings import LabSettings
from practicum_labs.track.delivery import State


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    parser = argparse.ArgumentParser(prog="practicum-labs", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    sync = commands.add_parser("sync", help="send the runs that the portal does not have yet")
    sync.set_defaults(call=_sync)
    options = parser.parse_args(arguments)
    status: int = options.call(options)
    return status


def _sync(_options: argparse.Namespace) -> int:
    settings = LabSettings()
    if not settings.api_url or not settings.api_token.get_secret_value():
        print(say("sync.no_portal", settings.language))
        return 2
    results = track.sync(settings)
    for run, delivery in results.items():
        state = delivery.state.value
        print(say("sync.run", settings.language, run=run, state=state, detail=delivery.detail))
    if not results:
        print(say("sync.none", settings.language))
    return 0 if all(result.state is State.SENT for result in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
