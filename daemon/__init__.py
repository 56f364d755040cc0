"""The shell: commands, configuration, the one wiring function, pipeline and stores."""
