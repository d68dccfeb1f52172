"""All state of one scenario, the dialogue with its machines, the questions at its end, and its evidence."""
