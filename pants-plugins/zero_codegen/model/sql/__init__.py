"""The finished text of all that databases are told, in the words of each: definitions and statements."""
