"""The PriceBook aggregate: what bytes, requests and egress cost, since when, in which backend and class."""
