"""A stand-in for Chatwoot, written from its published OpenAPI document, in a process of its own."""
