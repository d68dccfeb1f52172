"""QEMU's things as an operator sees them: images, nodes, drives, bitmaps, jobs, backups."""
