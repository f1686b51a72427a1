"""Ports: what the application needs from the world, each three to five verbs, owned by its caller.

The mount's: `object_reader` and `object_writer` are a backend's two halves, `page_cache` the local cache,
`access_log` where access records go, `namespace_feed` what the control plane tells a node; `objects`, `credentials`
and `errors` are the values and faults they speak. The control plane's: `event_store` the streams of decisions,
`read_models` the rows made of them, `agents` the nodes' last words, `network_checks` what the network says about a
tenant. `clock` is time, for all.
"""
