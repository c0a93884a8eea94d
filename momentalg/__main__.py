"""`python -m momentalg` is the command `momentalg`."""

from momentalg.cli import main

if __name__ == "__main__":
    main(prog_name="momentalg")
