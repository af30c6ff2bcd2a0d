"""The desk at which an agency settles what the hub refused: it looks, puts right, sends again, or gives up."""
