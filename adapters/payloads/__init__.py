"""MQTT payload conventions: one file each; what a topic and its payload say, as samples and faults."""
