"""`text.<language>.md`: blocks of text keyed by anchor.

```markdown
<!-- @intro reviewed=1a2b3c4d -->
# Title
```

``reviewed`` is the hash of the other language's block that this one was read against.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from practicum_labs.authoring.source import SourceError

MARK: Final = re.compile(
    r"^<!-- @(?P<anchor>[a-z][a-z0-9_-]*)(?: reviewed=(?P<hash>[0-9a-f]{8}))? -->$"
)
HASH_LENGTH: Final = 8


@dataclass(frozen=True, slots=True)
class Block:
    """The text of one anchor."""

    anchor: str
    text: str
    reviewed: str
    line: int

    @property
    def hash(self) -> str:
        """The hash that the other language's block carries once it was read against this one."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:HASH_LENGTH]


def read_blocks(path: Path) -> dict[str, Block]:
    """Return the blocks of ``path`` by anchor; raise SourceError where it has no form."""
    blocks: dict[str, Block] = {}
    lines = path.read_text("utf-8").splitlines()
    starts = [n for n, line in enumerate(lines) if line.startswith("<!-- @")]
    if any(line.strip() for line in lines[: starts[0] if starts else len(lines)]):
        raise SourceError(path, 1, "text before the first anchor")
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        match = MARK.match(lines[start])
        if match is None:
            raise SourceError(path, start + 1, f"not an anchor: {lines[start]}")
        anchor = match["anchor"]
        if anchor in blocks:
            raise SourceError(path, start + 1, f"{anchor} is also on line {blocks[anchor].line}")
        text = "\n".join(lines[start + 1 : end]).strip()
        blocks[anchor] = Block(anchor, text, match["hash"] or "", start + 1)
    return blocks


def stamp(path: Path, other: dict[str, Block]) -> None:
    """Write into ``path`` that each of its blocks was read against ``other`` as it is now."""
    lines = []
    for line in path.read_text("utf-8").splitlines():
        match = MARK.match(line)
        if match and match["anchor"] in other:
            anchor = match["anchor"]
            lines.append(f"<!-- @{anchor} reviewed={other[anchor].hash} -->")
        else:
            lines.append(line)
    path.write_text("\n".join(lines) + "\n", "utf-8")
