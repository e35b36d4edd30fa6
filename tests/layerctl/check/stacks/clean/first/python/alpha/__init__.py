"""alpha 1.2"""
