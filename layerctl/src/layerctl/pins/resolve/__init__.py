"""Which versions of a layer there are, and which one a pin shall go to."""
