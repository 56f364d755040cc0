"""Simulated meters of all protocols on simulated lines, with the faults of real ones; no hardware."""
