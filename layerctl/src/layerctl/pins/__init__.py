"""Pins: the layer versions that templates, configuration and code name, found, checked and bumped.

`finder` finds them in files, `check` compares them with what is published, `bump` changes the version's characters.
"""
