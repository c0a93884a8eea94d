"""Engines: what accumulates the sums of an estimator. One module of this package each, found by `ENGINE`."""
