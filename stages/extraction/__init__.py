"""From the raw bytes of a page to the text of its main content."""
