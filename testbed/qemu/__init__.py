"""Processes of QEMU and their words: the monitor, the machine, the daemon; and images, read with and without QEMU."""
