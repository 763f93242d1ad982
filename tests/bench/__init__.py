"""What the program costs, in ratios measured in one run beside references: `python -m tests.bench`."""
