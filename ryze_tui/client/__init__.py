"""How we talk to a RyzeAPI server: one HTTP client, one socket, a rate budget per token. Only RyzeError comes out."""
