"""The HTTP routes, thin: read the request, call the lifecycle, shape the answer."""
