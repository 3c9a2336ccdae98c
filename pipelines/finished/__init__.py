"""What is asked of a finished corpus."""
