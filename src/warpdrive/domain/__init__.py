"""Pure rules: no await, no I/O, no clock. Time is passed in as `at=`.

Aggregates (`namespace/`, `quota/`, `tenant_access/`, `team/`, `price_book/`, `token/`, `dismissal/`) each live in their
own package; `governance/` holds the rules of answers about storage and its use, `content/` the pure policies of the
data plane, and what aggregates say alike: moments and texts.
"""
