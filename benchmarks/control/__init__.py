"""The control plane's figures: `python -m benchmarks.control`, or `make bench-control`.

The server is the embedded PostgreSQL with fsync on, on the disk of the folder given. Subjects and controls run in the
same rounds, interleaved, against the same server; medians are compared.
"""
