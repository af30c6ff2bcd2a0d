"""The common language: contracts, code lists, privacy classes, codec, registry client. Imports nothing of ours."""
