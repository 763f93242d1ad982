"""What the server does with other services on behalf of an instance."""
