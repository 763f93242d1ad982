"""What the server does for a user with other people's services."""
