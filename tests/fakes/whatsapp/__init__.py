"""A double of WhatsApp's server on loopback, that the unmodified library really talks to. Never for production use."""
