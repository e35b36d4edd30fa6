"""What must not be readable in a line, and how it is found."""
