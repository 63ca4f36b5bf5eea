"""The tests, as a package: some distributions install a folder ``tests`` of their own, which would else come first."""
