"""The storage index on PostgreSQL, written by one connection that holds the index's lock.

`runner` opens it. `objects` has listings taken in (`merging`) and crawls concluded (`ending`), `owning` attributes
objects anew, `crawls` begins and ends crawls. `numbers` knows the numbers of names, `sums` keeps capacity and ledger
with every change. Callers without the lock ask `register`; `records` reads its rows.
"""
