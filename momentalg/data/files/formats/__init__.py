"""Formats of data files. One module of this package each, found by `FORMAT`."""
