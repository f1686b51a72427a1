"""`warpdrive-replay`: the auditor's tool. Rebuilds, tells, explains, compares, verifies and exports; never writes.

`main` is the group, `places` the option values that name a place in the record, `record` opens the database in the
audit role, and each command has a module. `check` is not run from here: it ships with every export and needs nothing
but Python.
"""
