"""The only files that name concrete classes; `serve` and `train` apart, so that serving imports nothing of training."""
