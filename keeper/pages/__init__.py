"""What people look at: the state of a keeper as plain data, and the report page."""
