"""Files that are written whole or not at all: replaced in one step, and kept between runs."""
