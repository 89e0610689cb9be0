from practicum_local import files


def test_write_says_whether_it_changed_anything(tmp_path):
    path = tmp_path / "new" / "file"
    assert files.write(path, "one")
    assert not files.write(path, b"one")
    assert files.write(path, "two")
    assert path.read_text() == "two"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_write_corrects_who_may_read(tmp_path):
    path = tmp_path / "secret"
    files.write(path, "s", mode=0o644)
    assert files.write(path, "s", mode=0o600)
    assert path.stat().st_mode & 0o777 == 0o600


def test_write_goes_on_after_one_that_was_killed(tmp_path):
    (tmp_path / ".file.new").write_text("half")
    files.write(tmp_path / "file", "whole")
    assert (tmp_path / "file").read_text() == "whole"


def test_fingerprint_is_of_content_and_name(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a")
    two.write_text("b")
    before = files.fingerprint([one, two])
    assert files.fingerprint([two, one]) == before
    two.write_text("c")
    assert files.fingerprint([one, two]) != before
