"""Governance rules, pure: whose bytes are whose, what is stale, what is known, what things cost and will cost.

`attribution` says who owns an object, `splitting` how several share its bytes, `coverage` how much of a time was told,
`staleness` what that means for an object. Days are UTC days, everywhere.
"""
