"""Measurements: `make bench`. Not run by `make test`."""
