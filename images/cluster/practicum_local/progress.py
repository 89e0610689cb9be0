"""Progress on the screen: what is being done, for how long, and how it ended.

    with progress.step("Building kube"):
        progress.note("4 minutes the first time")

On a terminal the running step shows its elapsed time; elsewhere every step is one plain
line when it starts and one when it ends.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

TICK_SECONDS = 0.2


class Progress:
    """Reports steps to one stream; steps may nest, and notes belong to the innermost."""

    def __init__(
        self, stream: TextIO | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._lock = threading.RLock()
        self._running: list[tuple[str, float]] = []

    @property
    def _out(self) -> TextIO:
        return self._stream or sys.stderr

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Show `title` as under way, then as done (or failed, when the block raises)."""
        started = self._clock()
        with self._lock:
            if not self._live or self._running:
                self._line(f"… {title}")
            self._running.append((title, started))
            depth = len(self._running)
        stop = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(stop,), daemon=True)
        if self._live and depth == 1:
            ticker.start()
        mark = "✗"
        try:
            yield
            mark = "✓"
        finally:
            stop.set()
            with self._lock:
                self._running.pop()
                self._line(f"{mark} {title} ({elapsed(self._clock() - started)})")

    def note(self, text: str) -> None:
        """Print a line that stays, below the running step."""
        with self._lock:
            self._line(text)

    @property
    def _live(self) -> bool:
        return self._out.isatty()

    def _line(self, text: str) -> None:
        clear = "\r\x1b[K" if self._live else ""
        indent = "  " * len(self._running)
        print(f"{clear}{indent}{text}", file=self._out, flush=True)

    def _tick(self, stop: threading.Event) -> None:
        while not stop.wait(TICK_SECONDS):
            with self._lock:
                if not self._running:
                    return
                title, started = self._running[-1]
                text = f"{title} … {elapsed(self._clock() - started)}"
                indent = "  " * (len(self._running) - 1)
                print(f"\r\x1b[K{indent}{text}", end="", file=self._out, flush=True)


def elapsed(seconds: float) -> str:
    """Seconds as a person says them: `0.4 s`, `12 s`, `3 min 05 s`."""
    if seconds < 10:  # noqa: PLR2004 - below ten seconds tenths are of interest
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


SCREEN = Progress()
step = SCREEN.step
note = SCREEN.note
