"""`warpdrive-control`: the control plane's process.

`main` is the command line, `run` one invocation from settings to exit status, `api` and `worker` what the two roles
are made of, `supervision` keeps a worker process beside the API (`--role all`), `first_token` leaves the first
admin's token, `welcome` says where everything is.
"""
