"""The indicators of the model strategy: a catalogue of data, its checks, and how figures are folded."""
