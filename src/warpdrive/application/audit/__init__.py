"""Audit: what was decided, when, by whom, and whether the record can be believed. Only reads.

`points` turns a position or a moment into a place in the record, `finding` a name into a stream (`names` knows who
was called what), `folding` makes an aggregate of its events as of a place, `portraits` shows it as plain facts.
On these stand `trail` (every event as a sentence; `sentences`, `subjects` and `wording` choose the words),
`explanation` (which events made a fact), `decisions` (which made a decision), `difference` (what changed between two
places), `verification` (can the record be believed; `chain_walk`, `name_uses` and `snapshot_check` are its parts,
`findings` its words) and `exporting` (the record in files that anybody can check).
"""
