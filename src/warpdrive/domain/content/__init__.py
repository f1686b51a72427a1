"""Pure policies that every room may use: names and keys, pages and blocks, readahead, eviction, moments and texts."""
