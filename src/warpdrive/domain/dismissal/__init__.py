"""The Dismissal aggregate: which recommendation nobody wants to see any more, why, and whether it is back."""
