"""Runs over data files: piece by piece, with progress, interrupted and resumed from a checkpoint."""
