"""The proof: which faults of QEMU the suite finds, shown by a stand-in that spoils one thing."""
