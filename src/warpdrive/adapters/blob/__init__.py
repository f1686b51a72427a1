"""Backends: one adapter per kind of store, and the wrappers that give all of them the same manners.

`factory.build_backend` is the door. `s3`, `azure`, `gcs`, `sftp`, `local` and `memory` are adapters: each
speaks one vendor's protocol, turns its errors into ours by a table and says which are transient, nothing
more. `http` is what azure and gcs share. `retrying`, `throttling`, `measured`, `watching`, `verifying` and
`prefixed` wrap any of them; `factory` explains their order.
"""
