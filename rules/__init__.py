"""The domain: nouns, engine and the registry of rule kinds. It holds no clock and does no I/O."""
