"""`warpdrive-ctl`: the operator's command line, today over the local agent's admin socket.

`main` is the group; each command is a file of its own (`warm`, `stats`, `status`, `prefetch`, `evict`). `session`
holds what they share: the socket, the client, faults turned into exit status 1. `places` turns a path as the user
sees it into a path of the namespace. Output is a table or plain lines for people, JSON for programs (`--json`).
"""
