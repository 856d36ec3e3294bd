"""Models: registry, calls, providers, the embedded embedding."""
