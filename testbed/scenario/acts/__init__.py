"""Acts: all that guest, operator, backup tool, storage and host can do, each said once, with what must come of it."""
