"""The commands of the command line: thin, and importing what they need when they run."""
