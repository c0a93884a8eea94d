"""Models: formulas and term objects, resolved to what the algebra sees."""
