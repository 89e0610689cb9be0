"""Tables: cohorts' people, runs and their points, sessions, the audit log."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from typing_extensions import override

# SQLite counts rows by themselves only in a column of exactly this type.
Number = BigInteger().with_variant(Integer, "sqlite")


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, aware on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class CohortRow(Base):
    """A Cohort that has people. Keyed by the resource's UID: a new one of that name is empty.

    `gone_at` says since when the resource is missing, which begins the grace of what it left.
    """

    __tablename__ = "cohorts"

    uid: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(63), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    gone_at: Mapped[datetime | None] = mapped_column(Moment)


class PersonRow(Base):
    """Someone on a roster."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    user: Mapped[str] = mapped_column(String(120), unique=True)
    created_at: Mapped[datetime] = mapped_column(Moment)


class MembershipRow(Base):
    """What someone is in a cohort. Name and address are this roster's; no other changes them."""

    __tablename__ = "memberships"

    cohort_uid: Mapped[str] = mapped_column(
        ForeignKey("cohorts.uid", ondelete="CASCADE"), primary_key=True
    )
    person_id: Mapped[int] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(320))
    added_at: Mapped[datetime] = mapped_column(Moment)
    added_by: Mapped[str] = mapped_column(String(120))


class RunRow(Base):
    """One run. `batches` counts the requests that brought points: the order in which they came.

    `bytes` is about what the run and its points take, by which budgets go.
    """

    __tablename__ = "runs"

    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    cohort: Mapped[str] = mapped_column(String(63))
    cohort_uid: Mapped[str] = mapped_column(String(64))
    lab: Mapped[str] = mapped_column(String(63))
    owner: Mapped[str] = mapped_column(String(120))
    sandbox: Mapped[str] = mapped_column(String(63))
    server: Mapped[str] = mapped_column(String(63))
    state: Mapped[str] = mapped_column(String(16))
    config: Mapped[dict[str, Any]] = mapped_column(JSON)
    environment: Mapped[dict[str, Any]] = mapped_column(JSON)
    summary: Mapped[dict[str, Any]] = mapped_column(JSON)
    metrics: Mapped[dict[str, Any]] = mapped_column(JSON)
    sketches: Mapped[dict[str, Any]] = mapped_column(JSON)
    points: Mapped[int] = mapped_column(Integer)
    batches: Mapped[int] = mapped_column(Integer)
    last_seq: Mapped[int] = mapped_column(BigInteger)
    started_at: Mapped[datetime] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    last_point_at: Mapped[datetime | None] = mapped_column(Moment)
    bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")

    __table_args__ = (
        Index(None, "owner", "number"),
        Index(None, "owner", "cohort_uid", "bytes"),
        Index(None, "cohort_uid", "lab", "number"),
    )


class PointRow(Base):
    """Values of a run at a step. Not a number is stored as text: JSON has no NaN."""

    __tablename__ = "points"

    run_number: Mapped[int] = mapped_column(
        ForeignKey("runs.number", ondelete="CASCADE"), primary_key=True
    )
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    batch: Mapped[int] = mapped_column(Integer)
    step: Mapped[int] = mapped_column(BigInteger)
    time: Mapped[float] = mapped_column()
    values: Mapped[dict[str, Any]] = mapped_column(JSON)

    __table_args__ = (
        Index(None, "run_number", "batch"),
        {"sqlite_with_rowid": False},
    )


class SessionRow(Base):
    """A browser that is signed in. The cookie's value is kept as a hash alone."""

    __tablename__ = "sessions"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user: Mapped[str] = mapped_column(String(120), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)


class AuditRow(Base):
    """Who did what. The database refuses to change or delete a line."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    actor: Mapped[str] = mapped_column(String(120), index=True)
    action: Mapped[str] = mapped_column(String(64))
    cohort: Mapped[str] = mapped_column(String(63), index=True)
    cohort_uid: Mapped[str] = mapped_column(String(64), index=True, server_default="")
    target: Mapped[str] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
