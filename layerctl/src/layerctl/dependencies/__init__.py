"""What a layer depends on: where that is written, the lock that is made from it, and what is added to it."""
