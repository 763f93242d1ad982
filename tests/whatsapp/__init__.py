"""Our double of WhatsApp's server and the real library, neonize, against each other."""
