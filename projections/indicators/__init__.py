"""The indicators that the model strategy is monitored by: a catalogue of data, its checks, and how figures are folded."""
