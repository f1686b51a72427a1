"""Both clients of the control plane: the agent's tie to it, and the command line's calls.

`feed` follows this node's namespace over gRPC (`memory_feed` is its twin); `dialling` is how it gets there, `trouble`
what goes wrong on the way. `last_known` keeps the newest state of the namespace on disk for a start while the control
plane is away. `rest` calls any method over HTTP; `routing` makes its requests from the contract, `refusals` is what is
heard instead of an answer. Import the modules, not this package: an agent that works alone loads nothing of gRPC.
"""
