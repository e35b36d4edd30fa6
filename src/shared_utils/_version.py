"""The version of the distribution, alone in its file so that the build backend can read it."""

__version__ = "1.0.0"
