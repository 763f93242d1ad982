"""The program of a worker process, and the only place that imports neonize; started by parent.py, see __main__.py."""
