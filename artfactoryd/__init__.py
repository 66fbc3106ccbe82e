"""The map. An order goes through the house from left to right:

    inbox -> documents -> core.plan -> ledger, index -> foreman -> factory, fetch -> shelf -> ledger, index

`core` decides and never acts. The hands (inbox, claims, fetch, media, shelf, ledger, index, limits, home,
settings, library) each do one thing and do not know each other. They meet in the spine: `books` writes ledger
and index as one, `intake` accepts orders, `foreman` makes items, `steering` carries out a person's commands,
`daemon` wires all of it, `cli` is the way in. `documents`, `errors`, `log` and `fault` are the floor under every room.
"""

__version__ = "0.1.0"
