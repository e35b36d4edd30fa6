"""urllib3 3.0.0"""
