"""Many runs: on several builds of QEMU, and against faults."""
