"""Sums of lazy frames by group-by pushdown: an engine's own frame computes them, and only tables come back."""
