"""What is no test here: modules that act when they are imported."""

collect_ignore = ["preloaded.py", "rewatched.py"]
