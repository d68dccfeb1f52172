"""Foreign programs that read what QEMU serves, and share no code with it."""
