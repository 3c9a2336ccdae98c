"""The data card: statistics, charts, README.md and the HTML report."""
