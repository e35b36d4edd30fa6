"""urllib3 2.8.0"""
