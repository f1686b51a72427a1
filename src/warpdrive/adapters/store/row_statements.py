"""SQL over read-model tables. Identifiers come from `tables.py` alone, values travel as parameters.

Writing takes any number of rows at once: one JSON text that PostgreSQL turns into records, so a step of hundreds of
events is a few statements.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from warpdrive.application.projections.tables import Kind, Table
from warpdrive.domain.content.texts import storable

LIVE: Final = "read_model"
"""The schema that queries see."""

BESIDE: Final = "read_model_next"
"""The schema of a rebuild, until it is swapped in."""

SQL_TYPES: Final[Mapping[Kind, str]] = {
    Kind.TEXT: "text",
    Kind.INTEGER: "bigint",
    Kind.TRUTH: "boolean",
    Kind.MOMENT: "timestamptz",
    Kind.TEXTS: "jsonb",
    Kind.MAPPING: "jsonb",
    Kind.MAYBE_TEXT: "text",
    Kind.MAYBE_INTEGER: "bigint",
    Kind.MAYBE_TRUTH: "boolean",
    Kind.MAYBE_MOMENT: "timestamptz",
}

_BIGINTS: Final = range(-(2**63), 2**63)
_JSON: Final = (Kind.TEXTS, Kind.MAPPING)
NULLABLE: Final = (Kind.MAYBE_TEXT, Kind.MAYBE_INTEGER, Kind.MAYBE_TRUTH, Kind.MAYBE_MOMENT)


@dataclass(frozen=True, slots=True)
class Question:
    """A SELECT and its parameters."""

    sql: str
    values: tuple[Any, ...]


def as_records(rows: Iterable[Mapping[str, Any]]) -> str:
    """Write rows as the JSON text that the statements below take as their one parameter."""
    return json.dumps([dict(row) for row in rows], ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a row cannot hold {type(value).__qualname__}")


def upsert(schema: str, table: Table) -> str:
    """Put whole rows, new ones or in place of those with the same keys."""
    columns = ", ".join(_quoted(table.columns))
    others = [column for column in _quoted(table.columns) if column.strip('"') not in table.key]
    action = "UPDATE SET " + ", ".join(f"{column} = excluded.{column}" for column in others) if others else "NOTHING"
    return (
        f"INSERT INTO {schema}.{table.name} ({columns}) SELECT {columns} FROM {_records(table, table.columns)} "  # noqa: S608 - identifiers of tables.py
        f"ON CONFLICT ({', '.join(_quoted(table.key))}) DO {action}"
    )


def patch(schema: str, table: Table, columns: Sequence[str]) -> str:
    """Change these columns of the rows with the given keys; the status tells how many rows there were."""
    assignments = ", ".join(f"{column} = given.{column}" for column in _quoted(columns))
    return (
        f"UPDATE {schema}.{table.name} AS stored SET {assignments} "  # noqa: S608 - identifiers of tables.py
        f"FROM {_records(table, (*table.key, *columns))} WHERE {_same_key(table)}"
    )


def removal(schema: str, table: Table) -> str:
    """Remove the rows with the given keys."""
    return f"DELETE FROM {schema}.{table.name} AS stored USING {_records(table, table.key)} WHERE {_same_key(table)}"  # noqa: S608 - identifiers of tables.py


def known_keys(schema: str, table: Table) -> str:
    """Select which of the given keys have rows."""
    keys = ", ".join(f"stored.{column}" for column in _quoted(table.key))
    return (
        f"SELECT {keys} FROM {schema}.{table.name} AS stored "  # noqa: S608 - identifiers of tables.py
        f"JOIN {_records(table, table.key)} ON {_same_key(table)}"
    )


def question(
    table: Table,
    *,
    where: Mapping[str, Any],
    order: Sequence[str],
    after: Sequence[Any] | None,
    limit: int | None,
) -> Question:
    """Select rows of the live tables (see the port). Raises ValueError for what the table cannot be asked."""
    values: list[Any] = []
    conditions = [_condition(table, column, wanted, values) for column, wanted in where.items()]
    for column in order:
        if _kind(table, column) in NULLABLE or _kind(table, column) in _JSON:
            raise ValueError(f"{table.name} has no order by {column}")
    if after is not None:
        if len(after) != len(order):
            raise ValueError(f"a place after {len(after)} values in an order of {len(order)}")
        places = ", ".join(_parameter(table, column, place, values) for column, place in zip(order, after, strict=True))
        conditions.append(f"({', '.join(_quoted(order))}) > ({places})")
    sql = f"SELECT {', '.join(_quoted(table.columns))} FROM {LIVE}.{table.name}"  # noqa: S608 - identifiers of tables.py
    if conditions:
        sql += " WHERE " + " AND ".join(conditions)
    if order:
        sql += " ORDER BY " + ", ".join(_quoted(order))
    if limit is not None:
        values.append(limit)
        sql += f" LIMIT ${len(values)}"
    return Question(sql, tuple(values))


def row_of(table: Table, record: Mapping[str, Any]) -> dict[str, Any]:
    """Turn what the driver returns into a row of plain values."""
    return {
        column: json.loads(record[column]) if kind in _JSON else record[column]
        for column, kind in table.columns.items()
    }


def _condition(table: Table, column: str, wanted: Any, values: list[Any]) -> str:
    kind = _kind(table, column)
    if kind in _JSON:
        raise ValueError(f"{table.name} is not asked by {column}")
    (name,) = _quoted([column])
    if wanted is None:
        return f"{name} IS NULL"
    if isinstance(wanted, list | tuple):
        values.append([each for each in wanted if _holdable(each)])
        return f"{name} = ANY(${len(values)}::{SQL_TYPES[kind]}[])"
    return f"{name} = {_parameter(table, column, wanted, values)}" if _holdable(wanted) else "FALSE"


def _holdable(value: Any) -> bool:
    """Tell whether any row can hold it: what people ask for may be text that PostgreSQL would refuse to compare."""
    if isinstance(value, str):
        return storable(value)
    return not isinstance(value, int) or value in _BIGINTS


def _parameter(table: Table, column: str, value: Any, values: list[Any]) -> str:
    values.append(value)
    return f"${len(values)}::{SQL_TYPES[_kind(table, column)]}"


def _kind(table: Table, column: str) -> Kind:
    if column not in table.columns:
        raise ValueError(f"{table.name} has no column {column!r}")
    return table.columns[column]


def _records(table: Table, columns: Iterable[str]) -> str:
    """Read the statement's parameter as records of these columns, called `given`."""
    typed = ", ".join(f'"{column}" {SQL_TYPES[_kind(table, column)]}' for column in columns)
    return f"jsonb_to_recordset($1::jsonb) AS given({typed})"


def _same_key(table: Table) -> str:
    return " AND ".join(f"stored.{column} = given.{column}" for column in _quoted(table.key))


def _quoted(columns: Iterable[str]) -> list[str]:
    return [f'"{column}"' for column in columns]
