"""The HTTP door: a litestar app whose routes, errors and document are made from the contract's own annotations.

`routes` finds where each method lives, `receiving` bounds what is read before anybody has said who they are, `queries`
and `bodies` make a method's message from a path, a query and JSON, `calls` hands it over, `answers` writes messages as
ProtoJSON and `tables` as CSV, `faults` makes a google.rpc.Status of every failure, the framework's too.
`schemas` and `openapi` describe all of it, `documents` serves that description with a page that needs no other host.
`probes` is what operators' machines ask; `front` goes before the framework where HTTP says more than it hears, `hosts`
where there are no tokens; `server` puts them together. What a call means is the wire's dispatcher's business, which the
gRPC door shares.
"""
