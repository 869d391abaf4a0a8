"""The same tape and rule through the keeper and through other makers, in environments of theirs."""
