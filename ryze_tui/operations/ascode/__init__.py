"""Configuration as code: the blocks of many instances in one YAML file; exported, compared, applied."""
