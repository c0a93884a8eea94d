"""Expressions: inert nodes in the author's order, one way to traverse them, and their printers."""
