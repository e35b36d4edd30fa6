"""What a tree of Python files holds, and what it runs on: distributions, shared libraries, interpreters."""
