"""rpc: the control plane's gRPC door. It speaks HTTP/2 with strangers, so most of it is about what they may not do.

grpclib (over h2) does the protocol; it trusts its peers more than a server may, so each of its seams is guarded here:

`limits` says how much is too much, `headers` reads a request's headers before anything else happens, `reading` takes
messages off a stream without ever holding more than is allowed, `connection` bounds what one peer can make us do
below the calls, `calls` starts, refuses and ends calls, `tls` makes the server's side of TLS.

What is served: `services` (every rpc of the descriptor set, handed to the wire's dispatcher as bytes), `watching`
(the one stream), `health` and `reflection`; `faults` is how a call fails. `server` puts them on a socket and takes
them off again without breaking a call.
"""
