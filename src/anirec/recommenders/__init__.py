"""One file per model: `fit(dataset, config, rng) -> fitted`."""
