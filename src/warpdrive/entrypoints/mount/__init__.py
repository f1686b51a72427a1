"""`warpdrive-mount`, the node agent's process, and `mount.warpdrive`, its face for mount(8).

`main` and `helper` are the two commands, `options` reads what people type after `-o`; `wiring` puts the process
together, `lifetime` runs it between ready and stopped, `daemon` puts it into the background.
"""
