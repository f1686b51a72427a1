"""Pure data-plane policies: names and keys, pages and blocks, readahead decisions, eviction order."""
