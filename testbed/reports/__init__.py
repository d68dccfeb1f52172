"""What is told of a run: on the console, in JUnit files, and as values for other programs."""
