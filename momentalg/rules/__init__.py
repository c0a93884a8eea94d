"""The laws, one a file: each is data (a left and a right side) and one pure function that applies it."""
