"""`warpdrive-bench`: measures a mount (or any directory) the way a DataLoader uses it.

`plan` collects files and deals them to readers, `reader` is one worker process, `figures` are the numbers that
workers bring home and how they are added up, `crew` runs the processes, `main` is the command.
"""
