"""alpha 2.0"""
