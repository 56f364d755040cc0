"""The outside world's protocols: codecs without I/O, thin transports, device tables, notification."""
