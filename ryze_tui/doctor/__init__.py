"""What may be wrong between this machine and its numbers: looks that yield findings. It reads and tries; it changes nothing."""
