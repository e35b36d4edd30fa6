"""What makes pages of code, and the site of pages: ``make reference``, ``make docs``."""
