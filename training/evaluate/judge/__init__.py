"""Judging pairs of commentaries: fairly, never paying twice, and saying how sure the outcome is."""
