"""What we know of every instance of one account, and how we keep it true."""
