"""Functions on this machine: AWS's runtime emulator, a gateway before it, and the runner of both."""
