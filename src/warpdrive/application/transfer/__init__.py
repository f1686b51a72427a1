"""Transfer: moving objects from one backend to another so that nothing is lost, whenever it is broken off.

`naming` says which objects are meant and what they will be called, `moving` carries one object over (copy, verify,
delete) and `mover` many of them at once. `body` and `checking` are the two ways of bytes: into the other backend, and
back for a comparison. `journal` is what one run leaves to the next, `tally` how far it is, `faults` why one
stays.

The order is the whole safety: a source is deleted only after its copy has been verified, in the version that was
copied. The journal is never trusted for that; it says which objects at the destination are ours, so that a run that
goes on neither refuses its own copies nor takes anybody else's for them.
"""
