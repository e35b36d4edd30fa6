"""`layers.json`, the index of released layer versions: its model, its file, and how it is kept true."""
