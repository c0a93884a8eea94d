"""Independent oracles: finite spaces, exact enumeration, quadratic forms, simulation.

They share no code with the engine, and import nothing from cumulants, rules, derive or moments.
"""
