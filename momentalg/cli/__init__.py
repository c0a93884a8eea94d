"""The command line, `momentalg derive|generate|check|report|fit|rules|statistics`: one module a command.

A command reads its arguments, asks the library, and prints. It decides nothing that the library does not, so that a
session in Python and a line in a shell give the same answer.
"""

from momentalg.cli.program import main

__all__ = ["main"]
