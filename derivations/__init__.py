"""Worked examples: one folder each, and what builds their files from their model.py."""
