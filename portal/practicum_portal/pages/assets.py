"""Assets: the files under `static/`, addressed by content so that browsers may keep them."""

import hashlib
from functools import cache
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent.parent / "static"
_YEAR = 365 * 24 * 3600


@cache
def asset_url(path: str) -> str:
    """Return the address of the file ``path`` in `static/`, with its hash as version."""
    digest = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]
    return f"/static/{path}?v={digest}"


class Assets(StaticFiles):
    """Serves `static/`: for a year when asked by version, else revalidated each time."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file with a lifetime that fits how it was asked for."""
        response = await super().get_response(path, scope)
        versioned = scope["query_string"].startswith(b"v=")
        response.headers["Cache-Control"] = (
            f"public, max-age={_YEAR}, immutable" if versioned else "no-cache"
        )
        return response
