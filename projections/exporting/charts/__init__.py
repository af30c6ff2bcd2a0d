"""Charts that are exported: a series, flows, levels of control; as Vega-Lite, drawn to SVG and PNG without a network."""
