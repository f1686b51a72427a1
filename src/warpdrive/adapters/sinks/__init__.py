"""Sinks: where access records go. Each is an `AccessLog`, and none ever makes a reader wait.

`writer` holds the one thread and the one bounded buffer that the writing sinks share; `stdout` and `file`
say what is done with a batch; `lines` is the JSON form of a record. `nop` keeps nothing, `memory` keeps
all for tests.

`shipping` brings records to a control plane: `claims` says what time a batch covers, `batch` writes it, `backlog`
holds it in memory or in the `spool` on disk until a `sender` (`grpc`, `http`) has brought it there, and `losses`
counts what could not be kept.
"""
