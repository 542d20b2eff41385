"""What the pages read: functions of a session that return plain rows, a keyset page at a time."""
