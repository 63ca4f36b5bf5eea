"""``make bench``: what a cycle, a scrape, a start and the memory cost, one JSON line a measurement."""
