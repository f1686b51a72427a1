"""Pure rules: no await, no I/O, no clock. Time is passed in as `at=`.

Aggregates (`namespace/`, and in later stages quota, tenant access, team, price book) each live in their own
package; `content/` holds the pure policies of the data plane.
"""
