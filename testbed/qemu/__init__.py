"""Processes of QEMU and their words: the monitor, the machine, the daemon; images, and a reader of them without QEMU."""
