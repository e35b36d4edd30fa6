"""One invocation: what happens around a call of the handler."""
