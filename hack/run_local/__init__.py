"""The main job on one machine: real servers, a real mount, a real data set, a training loop.

`processes` owns children and mounts, `seaweed` is the S3 server, `dataset` makes the shards, `agent` starts
`warpdrive-mount`, `metrics` reads its counters, `training` is the job; `__main__` puts them together.
"""
