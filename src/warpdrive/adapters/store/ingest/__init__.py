"""Batches of access records on their way into PostgreSQL: the room of the ingest process.

`intake` is the port: groups of batches, counted once, in one transaction each. `numbers` remembers which number a text
has, `dictionary` asks and extends the tables of words and keys, `backends` knows where names of backends lead. From
them `preparing` makes a group's rows: `packing` packs records for COPY and `staging` what the server sums of them, both
by `fixed_rows`; `summing` adds up the rest. `writing` is the transaction.
"""

from warpdrive.adapters.store.ingest.intake import PostgresBatchIntake, open_batch_intake

__all__ = ["PostgresBatchIntake", "open_batch_intake"]
