"""The access server: what agencies and partners need besides Kafka. Schemas to read, keys of a partner's own feed."""
