"""WhatsApp in a Chatwoot inbox: messages go there, agents' replies come back (contract §6)."""
