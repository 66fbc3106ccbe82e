"""Where the index is kept, and by what: SQLite's file, or a PostgreSQL server. What differs between the two is here.

Everything above asks in SQLite's words; an engine takes them as they stand, or in its own.
"""
