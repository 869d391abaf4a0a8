"""The command line: one module per command group; parse, load, bootstrap, run, exit code."""
