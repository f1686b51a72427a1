"""The storage index on PostgreSQL, written by one connection that holds the index's lock.

`runner` opens it, `merging` takes listings in, `ending` concludes crawls, `owning` attributes objects anew, `crawls`
begins and ends them; `numbers` knows the numbers of names. `sums` keeps capacity and ledger with every change.
Callers without the lock ask `register`.
"""
