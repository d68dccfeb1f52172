"""The oracles: what a drive must hold and what a bitmap must have recorded; they know no QEMU, no files, no process."""
