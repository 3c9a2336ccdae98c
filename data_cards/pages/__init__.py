"""The pages that a card is written to: Markdown, HTML, metadata, charts."""
