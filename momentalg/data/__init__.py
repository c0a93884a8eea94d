"""Frames in, plain columns out: what a model reads from data, checked and counted."""
