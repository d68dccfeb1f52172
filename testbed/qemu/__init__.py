"""Processes of QEMU and their words: the monitor, the machine, the daemon, the tools for images."""
