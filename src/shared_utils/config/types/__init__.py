"""From what a source answered to the type that a field asks for."""
