"""Use cases and ports; async by anyio, knows no vendor."""
