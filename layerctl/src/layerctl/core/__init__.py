"""What every other part may use: ARNs, runtimes, errors, diagnostics, files."""
