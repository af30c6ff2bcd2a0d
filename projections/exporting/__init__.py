"""What leaves for people outside: figures, released rows and charts as files that say what they hold."""
