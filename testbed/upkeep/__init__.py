"""What keeps this project in order: generated documentation, and the rules of features and code."""
