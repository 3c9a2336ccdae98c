"""Where a run keeps what is done: store, tasks, staged parts."""
