"""Derivations: steps that name their laws, strategies that order them, and what can be asked of the outcome."""
