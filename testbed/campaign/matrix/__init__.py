"""The matrix: the suite on several builds of QEMU, and what changes from one to another."""
