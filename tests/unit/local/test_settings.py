"""The settings of what runs are known to whoever asks later."""

from pathlib import Path

import pytest

from practicum_local.settings import Settings


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HUB_PORT", "PORTAL_PORT", "API_PORT", "GPUS"):
        monkeypatch.delenv(f"PRACTICUM_{name}", raising=False)
    monkeypatch.setenv("PRACTICUM_CACHE", str(tmp_path / "cache"))


def test_status_finds_the_ports_that_up_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRACTICUM_PORTAL_PORT", "18080")
    Settings().keep()
    monkeypatch.delenv("PRACTICUM_PORTAL_PORT")
    assert Settings().portal_port == 8080
    assert Settings.of_what_runs().portal_port == 18080
    Settings.of_what_runs().forget()
    assert Settings.of_what_runs() == Settings()


def test_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRACTICUM_HUB_PORT", "18000")
    Settings().keep()
    monkeypatch.setenv("PRACTICUM_HUB_PORT", "8000")
    assert Settings.of_what_runs().hub_port == 8000


def test_a_torn_file_is_as_none(tmp_path: Path) -> None:
    Settings().keep()
    (tmp_path / "cache" / "settings.json").write_text('{"portal_port": 18')
    assert Settings.of_what_runs() == Settings()
