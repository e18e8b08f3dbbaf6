"""Models that are trained by gradient descent: torch to fit, plain arrays to serve."""
