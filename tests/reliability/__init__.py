"""The promise, put to the test: after any kill, fault or loss of power the index is one that was committed."""
