"""The rules of `layerctl verify`, a module per family. Each function ``check_…`` takes a `Case` and yields findings."""
