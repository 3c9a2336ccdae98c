"""What is withdrawn: which documents registers name, and which reserve themselves."""
