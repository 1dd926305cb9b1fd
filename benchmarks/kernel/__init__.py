"""What benchmarks/layers.py measures with: one module for each question."""
