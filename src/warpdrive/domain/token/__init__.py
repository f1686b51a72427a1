"""The Token aggregate: who was given which access when, and until when; the secret itself never enters."""
