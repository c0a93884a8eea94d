"""The queries of SQL programs, written by sqlglot, and the script of all of them."""
