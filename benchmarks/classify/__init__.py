"""What benchmarks/classifying.py measures with: the work, the contestants, and what is asked of the figures."""
