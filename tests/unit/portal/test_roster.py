"""Roster files as spreadsheets really make them."""

import pytest

from practicum_portal.roster.parsing import parse

TEXT = "user,name,role,email\ntrainee,李雷,trainee,t@example.org\ntrainee-2,韩梅梅,,\n"
PEOPLE = [("trainee", "李雷"), ("trainee-2", "韩梅梅")]


def people(roster):
    return [(line.user, line.name) for line in roster.lines]


@pytest.mark.parametrize(
    ("encoding", "read_as"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("gbk", "gb18030"),
        ("gb18030", "gb18030"),
    ],
)
def test_encodings_that_can_be_told_apart_are_read(encoding, read_as):
    roster = parse(TEXT.encode(encoding), max_rows=10)
    assert not roster.errors
    assert people(roster) == PEOPLE
    assert roster.encoding == read_as
    assert bool(roster.warnings) == (read_as == "gb18030")


@pytest.mark.parametrize(
    "content",
    [
        "user,name\ntrainee,Jürgen Größe\n".encode("latin-1"),
        "user,name\ntrainee,Иванов Пётр\n".encode("cp1251"),
        "user,name\ntrainee,山田 太郎\n".encode("shift_jis"),
        b"user,name\ntrainee,\xff\xfe\xfd\n",
        b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00\xd8\xd8\xd8",
    ],
)
def test_what_can_not_be_told_is_refused_with_the_way_out(content):
    roster = parse(content, max_rows=10)
    assert not roster.lines
    (error,) = roster.errors
    assert error.code in {"encoding", "missing"}
    assert error.hint


def test_the_line_that_can_not_be_read_is_named():
    content = b"user,name\ntrainee,Anna\ntrainee-2,\xe9\xe9\xe8 x\n"
    (error,) = parse(content, max_rows=10).errors
    assert (error.row, error.code) == (3, "encoding")


@pytest.mark.parametrize(
    "text",
    [
        "user;name\ntrainee;李雷\ntrainee-2;韩梅梅\n",
        "user\tname\r\ntrainee\t李雷\r\ntrainee-2\t韩梅梅\r\n",
        'name,user\n"李雷",trainee\n\n韩梅梅,trainee-2',
        "姓名,用户名\n李雷,trainee\n韩梅梅,trainee-2\n",
        "User , NAME \n trainee , 李雷 \nTRAINEE-2,韩梅梅\n,\n",
        "user,name\ntrainee,李雷,,\ntrainee-2,韩梅梅, \n",
    ],
)
def test_the_forms_that_spreadsheets_save(text):
    roster = parse(text.encode(), max_rows=10)
    assert not roster.errors
    assert people(roster) == PEOPLE


def test_a_cell_may_hold_commas_and_a_column_may_be_unknown():
    text = 'user,name,team\ntrainee,"Lei, Li",red\n'
    roster = parse(text.encode(), max_rows=10)
    assert people(roster) == [("trainee", "Lei, Li")]
    (warning,) = roster.warnings
    assert (warning.code, warning.value) == ("unknown", "team")


@pytest.mark.parametrize(
    ("text", "row", "column", "code"),
    [
        ("", 0, "", "empty"),
        ("\n\n", 0, "", "empty"),
        ("trainee,李雷\n", 1, "user", "missing"),
        ("user,user\na,b\n", 1, "user", "duplicate"),
        ("name,user\nonly\n", 2, "", "missing"),
        ("user,name\nann,Lee, Ann\n", 2, "", "too-many"),
        ("user,name,\nann,Lee,,Ann\n", 2, "", "too-many"),
        ('user,name\ntrainee,"open\n', 2, "", "broken"),
        ("user\na/b\n", 2, "user", "invalid"),
        ("user\n" + "x" * 121 + "\n", 2, "user", "invalid"),
        ("user\na\u200bb\n", 2, "user", "invalid"),
        ("user,name\na,b\x07\n", 2, "name", "invalid"),
        ("user\n" + "\u0130" * 100 + "\n", 2, "user", "invalid"),
        ("user,email\na,b@" + "c" * 320 + ".org\n", 2, "email", "invalid"),
        ("user,email\na,b@\x07c.org\n", 2, "email", "invalid"),
        ("user,role\na,admin\n", 2, "role", "invalid"),
        ("user\nAnna\nanna\n", 3, "user", "duplicate"),
        ("user\n" + "\n".join(f"u{n}" for n in range(11)), 0, "", "too-long"),
    ],
)
def test_every_mistake_has_its_place_and_a_way_out(text, row, column, code):
    (error,) = parse(text.encode(), max_rows=10).errors
    assert (error.row, error.column, error.code) == (row, column, code)
    assert error.message
    assert error.hint
