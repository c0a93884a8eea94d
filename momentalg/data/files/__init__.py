"""Data files: which they are, how they are read in pieces, and how a run over them is interrupted and resumed."""
