"""What telemetry and governance cost: `python -m benchmarks.governance`, or `make bench-governance`.

The server is the embedded PostgreSQL with fsync on, on the disk of the folder given. Subjects and controls run in the
same rounds, interleaved; medians are compared.
"""
