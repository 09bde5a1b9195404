"""What the loader is made of: fetching, collating, worker processes."""
