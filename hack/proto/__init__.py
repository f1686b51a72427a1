"""What `make proto` runs: from proto/ to the generated code and the descriptor set of adapters/wire/generated.

`generate` makes them; a test makes them again and compares, so that nobody can forget to.
"""
