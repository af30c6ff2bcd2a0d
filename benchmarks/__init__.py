"""What is measured, beside what; run by `hub bench`. Files that begin with `_` are parts of the others."""
