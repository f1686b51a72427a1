"""How Alembic runs the revisions: on the connection and within the transaction of whoever called, nothing else.

`warpdrive.adapters.store.migrating` connects as the owner, takes the advisory lock and puts the connection into the
configuration; there is no URL and no command line.
"""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table=context.config.attributes["version_table"],
    version_table_schema="public",
    transactional_ddl=True,
)
context.run_migrations()
