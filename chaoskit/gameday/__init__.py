"""Game days: planned exercises with people watching, on a live screen, by a run book or by hand."""
