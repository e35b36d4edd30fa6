"""Publishing an artifact: the same content in many regions, once each, verified."""
