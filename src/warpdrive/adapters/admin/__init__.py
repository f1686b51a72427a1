"""Admin: the operator's door to a running agent, HTTP with JSON over a unix socket only its owner may open.

`socket` binds it safely, `server` answers on it from an `AgentDesk`, `bodies` are the shapes on the wire, `client`
is the other end for command line tools (it loads no server). Names that are no UTF-8 travel as surrogate escapes.
"""
