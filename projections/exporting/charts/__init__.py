"""Charts that are exported: a series, flows, levels of control, drawn to SVG and PNG without a network."""
