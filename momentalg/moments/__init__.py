"""Moment equations: expectations of statistics, what they identify, and their solution."""
