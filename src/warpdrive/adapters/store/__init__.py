"""PostgreSQL: the event store and the read models by asyncpg, their migrations, and the embedded server.

`connecting` says where a database is and opens connections to it by role; `embedded` runs a server of our own
where none was named. Both speak in `DatabasePlace`, so the rest of the room does not know which it was.
"""
