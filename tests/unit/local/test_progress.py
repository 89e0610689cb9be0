import io

import pytest

from practicum_local.progress import Progress, elapsed


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (10, "10 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s")],
)
def test_elapsed(seconds, text):
    assert elapsed(seconds) == text


def test_plain_lines_where_there_is_no_terminal():
    out, clock = io.StringIO(), Clock()
    progress = Progress(out, clock=clock)
    with progress.step("Building"):
        progress.note("it takes a while")
        with progress.step("Linking"):
            clock.now = 65
    assert out.getvalue().splitlines() == [
        "… Building",
        "  it takes a while",
        "  … Linking",
        "  ✓ Linking (1 min 05 s)",
        "✓ Building (1 min 05 s)",
    ]


def test_a_step_that_fails_says_so_and_raises():
    out = io.StringIO()
    with pytest.raises(ValueError, match="no"), Progress(out).step("Building"):
        raise ValueError("no")
    assert out.getvalue().splitlines()[-1] == "✗ Building (0.0 s)"


def test_a_terminal_sees_the_time_pass():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out, clock = Terminal(), Clock()
    with Progress(out, clock=clock).step("Building"):
        clock.now = 7
        while "7.0 s" not in out.getvalue():
            pass
    assert out.getvalue().endswith("\r\x1b[K✓ Building (7.0 s)\n")
