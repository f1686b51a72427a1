"""WarpDrive: one POSIX tree over every cloud's objects, with a local cache that makes remote data feel local.

Layers, arrows pointing inward: ``entrypoints`` (composition roots) > ``adapters`` (one technology each) >
``application`` (use cases and ports) > ``domain`` (pure rules). import-linter holds them.
"""

__version__ = "0.1.0"
