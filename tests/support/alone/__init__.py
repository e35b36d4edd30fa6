"""`make alone`: each test of the suite in a process in which no other test has run.

A file's tests are collected in a process of their own (`forking`), and each of them runs in a child that is forked from
it: what is imported then is what the file itself and its conftests import, as if pytest had been started for the test,
at a hundredth of the price. A test that fails there is tried in a pytest of its own before it counts. Two files are
tried at a time (`__main__`). pytest-forked has no maintainer, and its children have multiprocessing loaded, which our
tests would see.
"""
