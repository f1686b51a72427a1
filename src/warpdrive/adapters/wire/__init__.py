"""The contract as code, which both drivers of the control plane share and its clients too.

`generated` is made of proto/ by `make proto`; `contract` reads the packaged descriptor set: methods, routes, words.
`parsing` judges a message's bytes before betterproto, which forgives too much, takes them apart. A file per subject
(`namespaces`, `tenants`, `tokens`, `quotas`, `teams`, `price_books`, `agents`, `watching`) turns messages into the
domain's values and views into messages, and binds methods to use cases; `bindings` puts these together. `status` is the
table from our errors to google.rpc codes. `dispatch` is a call's whole way: who asks, may they, what comes of it.
"""
