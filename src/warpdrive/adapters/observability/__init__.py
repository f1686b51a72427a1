"""Observability: what an operator sees of a running process from outside.

`logging` sets up one stream of log lines (structlog, libraries included) from which `redaction` keeps
secrets away. `meters` are the plain numbers that hot paths bump; `metrics` turns them into the Prometheus
names that users know; `http` answers `/metrics` and `/healthz`; `serving` runs an ASGI app on a bound
socket inside the agent's own loop (the composition root lends it to the admin socket too).
"""
