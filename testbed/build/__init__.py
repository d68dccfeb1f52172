"""The build under test: its programs, what it has, what it lacks, and its known defects."""
