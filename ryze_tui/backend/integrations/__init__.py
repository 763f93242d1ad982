"""What the backend does with other services on behalf of an instance."""
