"""`make check`: the form of the code, and the tests that a change may touch, nearest first."""
