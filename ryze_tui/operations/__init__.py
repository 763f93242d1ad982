"""What a person can do. The only caller of writes; every write leaves a line in the audit log and returns a typed outcome."""
