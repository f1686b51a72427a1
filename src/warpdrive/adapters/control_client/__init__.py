"""The agent's end of the tie to the control plane.

`feed` follows this node's namespace over gRPC (`memory_feed` is its twin), `last_known` keeps the newest state of it on
disk for a start while the control plane is away. Import the modules, not this package: an agent that works alone
loads nothing of gRPC.
"""
