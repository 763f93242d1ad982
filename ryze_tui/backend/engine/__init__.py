"""What holds the WhatsApp links: the port, and one package per engine."""
