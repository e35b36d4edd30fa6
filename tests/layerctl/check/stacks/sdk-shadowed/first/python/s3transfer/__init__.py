"""s3transfer 0.19.0"""
