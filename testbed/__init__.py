"""The typed library in which a QEMU is tried: machines, drives, oracles, and what a run reports."""
