"""The tables that the migrations make are those that `tables.py` describes."""

from tests.support.postgres import superuser
from warpdrive.adapters.store.connecting import DatabasePlace
from warpdrive.adapters.store.row_statements import NULLABLE, SQL_TYPES
from warpdrive.application.projections.tables import TABLES, Kind

COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable, collation_name, column_default
    FROM information_schema.columns WHERE table_schema = 'read_model'
"""
KEYS = """
    SELECT c.relname, array_agg(a.attname::text ORDER BY k.place) AS key
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (number, place)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
    WHERE n.nspname = 'read_model' AND i.indisprimary GROUP BY c.relname
"""
TYPES = {
    "text": "text",
    "bigint": "bigint",
    "boolean": "boolean",
    "timestamptz": "timestamp with time zone",
    "jsonb": "jsonb",
}


async def test_every_column_is_as_described(place: DatabasePlace) -> None:
    """Names, types, what may be NULL, the order of texts; no default hides a column that a change forgot."""
    described = {
        (
            table.name,
            column,
            TYPES[SQL_TYPES[kind]],
            "YES" if kind in NULLABLE else "NO",
            "C" if kind in {Kind.TEXT, Kind.MAYBE_TEXT} else None,
            None,
        )
        for table in TABLES.values()
        for column, kind in table.columns.items()
    }
    async with superuser(place, inside=True) as server:
        assert {tuple(record) for record in await server.fetch(COLUMNS)} == described


async def test_keys_are_as_described(place: DatabasePlace) -> None:
    """In their order, which is that of the index."""
    async with superuser(place, inside=True) as server:
        found = {record["relname"]: tuple(record["key"]) for record in await server.fetch(KEYS)}
    assert found == {table.name: table.key for table in TABLES.values()}


async def test_every_table_is_explained(place: DatabasePlace) -> None:
    """The schema is a document, down to the columns whose values have a special meaning."""
    async with superuser(place, inside=True) as server:
        unexplained = await server.fetch(
            """
            SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE (n.nspname = 'read_model' OR c.relname = 'agents') AND c.relkind = 'r'
                AND obj_description(c.oid) IS NULL
            UNION
            SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attnotnull
            WHERE n.nspname = 'read_model' AND c.relkind = 'r' AND col_description(c.oid, a.attnum) IS NULL
            """
        )
    assert [record[0] for record in unexplained] == []
