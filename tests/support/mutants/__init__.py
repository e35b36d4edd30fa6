"""`make mutants`: one fault at a time is put into a module, and its tests must notice.

mutmut makes the mutants (`faults`). They are tried in a copy of the repository, where a session of pytest has collected
the tests of a group of modules (`session`) and knows which test runs which line (`lines`). For each mutant it forks,
puts the fault into the functions that are loaded and into the file, and runs the tests that run its lines, the quick
ones first, up to the first that fails. mutmut's own runner calls functions through others, which our timers, locations
and time-outs would see, and starts all tests of a function anew.

What is tested by what, and which survivors are accepted, stands in tests/mutants.toml.
"""
