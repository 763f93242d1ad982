"""The contract as types: its words written out, and parsers that nothing can break."""
