"""Queries of a database that accumulate sums: their names, and what becomes of their results."""
