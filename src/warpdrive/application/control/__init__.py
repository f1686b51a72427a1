"""The control plane's use cases: who calls, what they may, what they change, what they can ask.

`calls` is who asks for what, `authorisation` the one table of rights, `commands` the way from a wish to a receipt.
A file per subject holds its commands and queries: `namespaces`, `quotas`, `teams`, `price_books`, `tenants`, `tokens`,
`agents`; `doorkeeping` knows callers, `watching` tells nodes what changes, `projector` keeps the read models, `views`
is what answers are made of, `plane` puts them together for the drivers (gRPC and REST), which only translate.
"""
