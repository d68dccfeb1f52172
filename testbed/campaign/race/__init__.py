"""The race: QEMU's own script for incremental backup and the same cases of this suite, side by side on one build."""
