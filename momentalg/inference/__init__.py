"""Fits: estimates of a model from data, with their names and tables."""
