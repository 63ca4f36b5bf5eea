"""Recorded requests of public data sets, replayed: the files stay where they are, only their paths are given."""
