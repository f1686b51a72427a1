"""The Namespace aggregate: which path prefixes live in which backends, as a stream of events."""
