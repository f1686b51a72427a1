"""Sinks: where access records go. Each is an `AccessLog`, and none ever makes a reader wait.

`writer` holds the one thread and the one bounded buffer that the writing sinks share; `stdout` and `file`
say what is done with a batch; `lines` is the JSON form of a record. `nop` keeps nothing, `memory` keeps
all for tests.
"""
