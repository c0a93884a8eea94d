"""The named statistics, one a file: what each is, where it comes from and what it assumes; its cost is computed."""
