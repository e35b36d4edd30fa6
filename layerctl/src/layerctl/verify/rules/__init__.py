"""The rules of `layerctl verify`, a module per family; each function ``check_…`` takes an `ArtifactCase`."""
