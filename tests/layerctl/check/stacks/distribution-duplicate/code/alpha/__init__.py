"""alpha 1.0"""
