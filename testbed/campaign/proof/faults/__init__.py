"""What can be wrong with a build of QEMU: one fault each, in plain words, as the stand-in plays it."""
