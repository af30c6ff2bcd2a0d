"""Import of files: rows of CSV, XLSX and JSON become events by a mapping, and nothing is guessed silently."""
