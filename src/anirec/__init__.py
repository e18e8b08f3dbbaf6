"""anirec recommends anime."""
