"""A replica as a queue with state-dependent service: what it carries, how long requests wait, how large a batch should be."""
