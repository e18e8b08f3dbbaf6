"""The routes, one file for each thing that people ask about. Each makes a router over what is served."""
