"""Ports: what the application needs from the world, each three to five verbs, owned by its caller.

`object_reader` and `object_writer` are a backend's two halves, `page_cache` the local cache, `access_log` where
access records go, `clock` time. `objects`, `credentials` and `errors` are the values and faults they speak.
"""
