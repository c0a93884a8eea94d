"""Laws of sizes, effects and covariates: one file each, with moments and sampler side by side.

A file that defines `DISTRIBUTION` is an entry of the catalogue, found by `momentalg.catalogue.discover`. The files
without it hold what the laws share: exact numbers (`exact`), numbers with an error bound (`bounded`), the contract
(`base`), combinatorics, summation of series, the columns of a frame and the joint law of one unit.
"""
