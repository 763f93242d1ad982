"""A server that speaks the RyzeAPI contract; imports nothing of ours but `api` and `paths`."""
