"""The only package that names concrete classes: from checked configuration to running services.

Each module is imported by the command that needs it, so that no command pays for another's parts.
"""
