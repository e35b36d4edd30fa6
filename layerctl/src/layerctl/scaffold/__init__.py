"""A new layer's repository, written from templates, and what makes a layer of an existing one."""
