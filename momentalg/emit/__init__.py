"""Emission: source code and documents from finished objects, through templates that compute nothing."""
