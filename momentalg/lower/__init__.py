"""Lowering: a solved moment system becomes an `EstimatorIR`, what is accumulated and what is computed.

`estimator.lower(solution)` is the entry. Nothing here knows a template or an array library.
"""
