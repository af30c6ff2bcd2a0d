"""The scenario: invented life stories over two years in two countries, told as a stream of events. Pure."""
