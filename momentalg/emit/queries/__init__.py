"""The queries of SQL programs, and what becomes of their results; all but `names` and `results` need sqlglot."""
