"""The command line: words, environment, the configuration file, servers as children."""
