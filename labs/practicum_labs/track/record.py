"""A run as files: what was logged, and how much of it the portal has.

```
.practicum/runs/<id>/run.json      what the portal needs to create the run
                     points.jsonl  one point a line, in the order of `seq`
                     finish.json   how it ended, once it has
                     sent.json     what the portal has
```
"""

import errno
import fcntl
import json
import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from practicum_labs.track.values import Wire

MEMORY_POINTS: Final = 20_000
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Point:
    """Values logged together. ``seq`` counts from 1 and makes sending it twice harmless."""

    seq: int
    step: int
    time: float
    values: Mapping[str, Wire]

    def line(self) -> str:
        """Return the point as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":")) + "\n"


@dataclass(slots=True)
class Sent:
    """What the portal has of a run."""

    created: bool = False
    seq: int = 0
    finished: bool = False
    skipped: int = 0
    """Points it would not take."""
    full: str = ""
    """Why it takes no more points of this run; its end is still wanted."""
    refused: str = ""
    """Why the portal will never take the rest; empty while it may."""

    @property
    def settled(self) -> bool:
        """Whether there is nothing more to send, ever."""
        return self.finished or bool(self.refused)


@dataclass(slots=True)
class Record:
    """One run's files, or, when the disk fails, its points in memory.

    One thread appends while another sends.
    """

    run_id: str
    folder: Path
    create: Json
    finish: Json | None = None
    sent: Sent = field(default_factory=Sent)
    trouble: str = ""
    """Why the disk can't be used, once it can't."""
    last_seq: int = 0
    forgotten: int = 0
    """Points that were pushed out of memory."""
    exclusive: bool = True
    """Whether a claim keeps others out; False where the file system has no locks."""
    _memory: deque[Point] = field(default_factory=lambda: deque(maxlen=MEMORY_POINTS))
    _size: int = 0
    _offset: int = 0
    _owner: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def start(cls, folder: Path, run_id: str, create: Json) -> "Record":
        """Begin a run in ``folder/<run_id>``; a disk that can't take it is noted, not raised."""
        record = cls(run_id=run_id, folder=folder / run_id, create=create)
        try:
            record.folder.mkdir(parents=True, exist_ok=True)
            _write(record.folder / "run.json", {"id": run_id, **create})
            record.claim()
        except OSError as error:
            record.trouble = _reason(error)
        return record

    @classmethod
    def load(cls, folder: Path) -> "Record":
        """Read the run in ``folder``; raise OSError or ValueError when it is not one."""
        create = json.loads((folder / "run.json").read_text("utf-8"))
        run_id = str(create.pop("id"))
        record = cls(run_id=run_id, folder=folder, create=create)
        with suppress(FileNotFoundError):
            record.finish = json.loads((folder / "finish.json").read_text("utf-8"))
        with suppress(FileNotFoundError, ValueError, TypeError):
            record.sent = Sent(**json.loads((folder / "sent.json").read_text("utf-8")))
        for point in record.points():
            record.last_seq = max(record.last_seq, point.seq)
        return record

    def append(self, point: Point) -> None:
        """Keep ``point``: on disk, or in memory from the moment the disk refuses."""
        self.last_seq = point.seq
        if not self.trouble:
            try:
                self._append(point.line().encode())
            except OSError as error:
                self.trouble = _reason(error)
            else:
                return
        with self._lock:
            if len(self._memory) == self._memory.maxlen:
                self.forgotten += 1
            self._memory.append(point)

    def _append(self, line: bytes) -> None:
        path = self.folder / "points.jsonl"
        written = 0
        try:
            with path.open("ab", buffering=0) as file:
                written = file.write(line)
        finally:
            if written != len(line):
                with suppress(OSError):  # half a line would spoil the next one
                    os.truncate(path, self._size)
        if written != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._size += len(line)

    def close(self, state: str, summary: Json) -> None:
        """Note how the run ended."""
        self.finish = {"state": state, "summary": summary}
        self._save("finish.json", self.finish)

    def unsent(self, limit: int) -> list[Point]:
        """Return the next points the portal does not have and would take, at most ``limit``."""
        if self.sent.full:
            return []
        found: list[Point] = []
        for point, end in self._lines(self._offset):
            if point.seq > self.sent.seq:
                found.append(point)
            else:
                self._offset = end
            if len(found) == limit:
                return found
        with self._lock:
            waiting = [point for point in self._memory if point.seq > self.sent.seq]
        return found + waiting[: limit - len(found)]

    def acknowledge(self, **change: Any) -> None:
        """Note what the portal has got now."""
        for name, value in change.items():
            setattr(self.sent, name, value)
        if not self.sent.seq:
            self._offset = 0
        with self._lock:
            while self._memory and self._memory[0].seq <= self.sent.seq:
                self._memory.popleft()
        self._save("sent.json", asdict(self.sent))

    def points(self) -> Iterator[Point]:
        """Yield every point that is still kept, in order."""
        for point, _ in self._lines(0):
            yield point
        with self._lock:
            kept = tuple(self._memory)
        yield from kept

    def claim(self) -> bool:
        """Become the process that sends this run; False when another one is.

        A POSIX lock: it dies with the process and a forked child does not inherit it.
        """
        if self._owner is not None:
            return True
        try:
            descriptor = os.open(self.folder / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        except OSError:
            return True  # a read-only or full disk: nobody else can write here either
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            os.close(descriptor)
            return False
        except OSError:
            # A file system without locks: sending points twice is harmless, losing them is not;
            # but who knows whether the run goes on?
            self.exclusive = False
        self._owner = descriptor
        return True

    def release(self) -> None:
        """Let another process send this run."""
        if self._owner is not None:
            os.close(self._owner)
            self._owner = None

    def _lines(self, offset: int) -> Iterator[tuple[Point, int]]:
        try:
            file = (self.folder / "points.jsonl").open("rb")
        except OSError:
            return
        with file:
            file.seek(offset)
            for line in file:
                offset += len(line)
                try:
                    yield Point(**json.loads(line)), offset
                except (ValueError, TypeError):
                    continue  # the line a power cut left

    def _save(self, name: str, content: Json) -> None:
        if self.trouble:
            return
        try:
            _write(self.folder / name, content)
        except OSError as error:
            self.trouble = _reason(error)


def undelivered(folder: Path) -> list[Path]:
    """Return the runs under ``folder`` that the portal does not have whole, oldest first."""
    waiting = []
    for path in folder.glob("*/run.json"):
        try:
            sent = Sent(**json.loads(path.with_name("sent.json").read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            sent = Sent()
        if not sent.settled:
            waiting.append((path.stat().st_mtime, path.parent))
    return [folder for _, folder in sorted(waiting)]


def _write(path: Path, content: Json) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
