"""Composition roots: settings, wiring, lifetime. No work at import time."""
