"""The Team aggregate: who belongs together, and which keys of which backends are theirs to pay for."""
