"""Reads code, Terraform's, Python, TypeScript and JavaScript: from syntax trees to values with their places."""
