"""The mount: what a node does with a namespace, without a word about FUSE or any vendor.

`filesystem` is the surface that a transport drives. Behind it: `tree` (names, with `listings`, `inodes` and
`freshness`), `directories` and `files` (verbs on handles), `read_path` over `contents`, `fetching` and `buffers`
(bytes), `prefetch` and `known_order` (ahead of time). Operators come through `desk`: `warming`, `walking`,
`filling`, `health`; users' accesses leave through `telemetry`.
"""
