"""How layerctl speaks to AWS: clients through botocore's own credential chain, regions in parallel, errors in words."""
