"""Requests to AWS without the SDK."""
