"""Real WhatsApp numbers: neonize in child processes, looked after from here. Nothing on this side imports neonize."""
