"""Measurements beside peers and controls, in one run, on one backend.

`run` is the program. `cases` holds one module per kind of access; each yields `results.Result`s. `subjects` are the
mounts compared (ours, rclone, s3fs), `downloader` and the local file the controls, `server` the S3 server, `link` a
network namespace whose wire can be shaped and counted, `measure` the ways of reading, `report` the table and the
plot. Rounds are interleaved (A B C, A B C, ...), so that a slow minute of the machine hits every subject alike.
"""
