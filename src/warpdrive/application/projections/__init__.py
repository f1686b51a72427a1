"""Projections: pure functions from events to row changes, used by the control plane and by the audit alike.

`tables` says which rows there are and what their columns mean, `codec` turns stored bytes into domain events and
back, `changes` turns one event into the row changes that it causes. Nothing here awaits.
"""
