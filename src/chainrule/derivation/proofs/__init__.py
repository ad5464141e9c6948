"""Proofs: rules by components, one sample to m, activations from their definitions, the same result in two ways."""
