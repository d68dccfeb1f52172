"""What a scenario can insist on: one file for each object."""
