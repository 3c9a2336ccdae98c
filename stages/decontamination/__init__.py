"""Decontamination: texts of evaluation sets found in documents, judged, and dropped or masked."""
