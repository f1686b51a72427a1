"""The store in memory: twins of everything here, for tests and for who wants no database. One contract binds both."""
