"""`warpdrive-ctl`: the operator's command line, over the local agent's admin socket and the control plane's REST API.

`main` is the group; each command is a file of its own. Those of the node: `warm`, `stats`, `status`, `prefetch`,
`evict`; `places` turns a path as the user sees it into a path of the namespace. Those of the control plane: `namespace`
(with `namespace_apply` and `namespace_mounts`), `quota`, `team`, `tenant`, `price`, `token`, `whoami`, `agents`;
`serve` becomes the control plane itself. `namespace_file` is a namespace as YAML, `namespace_diff` what apply changes.

`session` holds what they share: clients, questions, faults turned into exit status 1. `server` says which control plane
and as whom, `refusals` what its answers mean for who typed the command, `promptly` asks it with a deadline (for
`completion` and `plane_status`). Output (`output`, `moments`) is a table or plain lines for people, CSV and JSON for
programs.
"""
