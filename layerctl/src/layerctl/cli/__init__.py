"""One module per command: options in, one call of an importable function, a table or JSON out."""
