"""From the text of a roster file to people, with every mistake named by line and column."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from practicum_portal.identity import LONGEST_USER, Role
from practicum_portal.roster.decoding import decode
from practicum_portal.roster.problems import problem
from practicum_portal.views.cohorts import RosterProblem

COLUMNS = ("user", "name", "role", "email")
_ALIASES = {
    "username": "user",
    "user name": "user",
    "account": "user",
    "用户": "user",
    "用户名": "user",
    "账号": "user",
    "full name": "name",
    "display name": "name",
    "姓名": "name",
    "名字": "name",
    "角色": "role",
    "e-mail": "email",
    "mail": "email",
    "邮箱": "email",
    "电子邮件": "email",
}
_ROLES = {
    "": Role.TRAINEE,
    "trainee": Role.TRAINEE,
    "student": Role.TRAINEE,
    "学员": Role.TRAINEE,
    "instructor": Role.INSTRUCTOR,
    "teacher": Role.INSTRUCTOR,
    "讲师": Role.INSTRUCTOR,
}
_NAME_MAX = 200
_EMAIL_MAX = 320
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class Line:
    """One person of the file."""

    row: int
    user: str
    role: Role
    name: str
    email: str


@dataclass(slots=True)
class Roster:
    """What a file says, and what is wrong with it."""

    encoding: str = "utf-8"
    rows: int = 0
    lines: list[Line] = field(default_factory=list)
    errors: list[RosterProblem] = field(default_factory=list)
    warnings: list[RosterProblem] = field(default_factory=list)


def parse(content: bytes, *, max_rows: int) -> Roster:
    """Return the people in a CSV file with the columns user and, if wanted, name, role, email."""
    decoded = decode(content)
    roster = Roster(encoding=decoded.encoding)
    (roster.warnings if decoded.text is not None else roster.errors).extend(decoded.problems)
    if decoded.text is None:
        return roster
    text = io.StringIO(decoded.text, newline="")
    reader = csv.reader(text, delimiter=_delimiter(decoded.text), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        roster.errors.append(
            problem(
                reader.line_num,
                "",
                "broken",
                "",
                f"The file breaks off here: {error}.",
                "Look for a quotation mark that is not closed.",
            )
        )
        return roster
    _read(roster, [(number, row) for number, row in rows if any(map(str.strip, row))], max_rows)
    return roster


def _read(roster: Roster, rows: list[tuple[int, list[str]]], max_rows: int) -> None:
    if not rows:
        roster.errors.append(
            problem(
                0, "", "empty", "", "The file is empty.", "Its first line is: user,name,role,email"
            )
        )
        return
    columns = _header(roster, rows[0])
    if columns is None:
        return
    roster.rows = len(rows) - 1
    if roster.rows > max_rows:
        roster.errors.append(
            problem(
                0,
                "",
                "too-long",
                str(roster.rows),
                f"The file has {roster.rows} people; {max_rows} are accepted at once.",
                "Split it into several files.",
            )
        )
        return
    width, seen = len(rows[0][1]), dict[str, int]()
    for number, row in rows[1:]:
        cells = {name: row[place].strip() for name, place in columns.items() if place < len(row)}
        if "user" in cells:
            cells["user"] = normal_user(cells["user"])
        user = cells.get("user", "")
        problems = [
            *_check_width(number, row, columns, width),
            *_check(number, cells),
            *_check_twice(number, user, seen),
        ]
        roster.errors += problems
        if not problems:
            role = _ROLES[cells.get("role", "").lower()]
            line = Line(number, user, role, cells.get("name", ""), cells.get("email", ""))
            roster.lines.append(line)


def _check_twice(number: int, user: str, seen: dict[str, int]) -> Iterator[RosterProblem]:
    if user and seen.setdefault(user, number) != number:
        yield problem(
            number,
            "user",
            "duplicate",
            user,
            f"This person is on line {seen[user]} already.",
            "Remove one of the lines.",
        )


def normal_user(text: str) -> str:
    """Return a user name as JupyterHub keeps it: composed characters, small letters."""
    return unicodedata.normalize("NFC", text.strip()).lower()


def _header(roster: Roster, row: tuple[int, list[str]]) -> dict[str, int] | None:
    number, cells = row
    columns: dict[str, int] = {}
    for place, cell in enumerate(cells):
        name = cell.strip().lower()
        name = _ALIASES.get(name, name)
        if name in columns:
            roster.errors.append(
                problem(
                    number,
                    name,
                    "duplicate",
                    cell,
                    f"The column {name} is there twice.",
                    "Keep one.",
                )
            )
            return None
        if name in COLUMNS:
            columns[name] = place
        elif name:
            roster.warnings.append(
                problem(
                    number,
                    cell.strip(),
                    "unknown",
                    cell,
                    f"The column {cell.strip()} is not known and was left out.",
                    f"Known columns are {', '.join(COLUMNS)}.",
                )
            )
    if "user" not in columns:
        roster.errors.append(
            problem(
                number,
                "user",
                "missing",
                ",".join(cells)[:80],
                "The first line names no column “user”.",
                "Begin the file with the line: user,name,role,email",
            )
        )
        return None
    return columns


def _check_width(
    number: int, row: list[str], columns: dict[str, int], width: int
) -> Iterator[RosterProblem]:
    if any(map(str.strip, row[width:])):
        yield problem(
            number,
            "",
            "too-many",
            ",".join(row)[:80],
            "The line has more cells than the first one.",
            "A cell that holds a comma goes between quotation marks.",
        )
    if len(row) <= columns["user"]:
        yield problem(
            number,
            "",
            "missing",
            ",".join(row)[:80],
            "The line has fewer cells than the first one.",
            "Add the missing commas, or remove the line.",
        )


def _check(number: int, cells: dict[str, str]) -> Iterator[RosterProblem]:
    user, role, email = cells.get("user"), cells.get("role", ""), cells.get("email", "")
    if user is not None:
        yield from _check_user(number, user)
    if role.lower() not in _ROLES:
        yield problem(
            number,
            "role",
            "invalid",
            role,
            f"“{role}” is not a role.",
            "Write trainee or instructor, or leave it empty for trainee.",
        )
    if email and (len(email) > _EMAIL_MAX or _odd(email) or not _EMAIL.fullmatch(email)):
        yield problem(
            number,
            "email",
            "invalid",
            email[:80],
            f"“{email[:80]}” is not an address.",
            "Correct it, or leave it empty.",
        )
    name = cells.get("name", "")
    if len(name) > _NAME_MAX or _odd(name):
        yield problem(
            number,
            "name",
            "invalid",
            name[:80],
            "The name is too long or holds characters that are not text.",
            f"At most {_NAME_MAX} characters, on one line.",
        )


def _check_user(number: int, user: str) -> Iterator[RosterProblem]:
    if not user:
        yield problem(
            number,
            "user",
            "missing",
            "",
            "The user name is missing.",
            "Write the name that the person signs in with.",
        )
    elif len(user) > LONGEST_USER or "/" in user or _odd(user) or re.search(r"\s", user):
        yield problem(
            number,
            "user",
            "invalid",
            user[:80],
            f"“{user[:80]}” can't be a user name.",
            f"At most {LONGEST_USER} characters, without spaces and slashes.",
        )


def _odd(text: str) -> bool:
    return any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co", "Cn"} for letter in text)


def _delimiter(text: str) -> str:
    first = text.lstrip().split("\n", 1)[0]
    return max(",;\t", key=first.count)
