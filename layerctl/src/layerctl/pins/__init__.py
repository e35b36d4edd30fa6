"""Pins: the layer versions that templates, configuration and code name, compared and moved.

`layerctl.scan` finds them, `check` compares them with what is published, `bump` changes the version's characters.
"""
