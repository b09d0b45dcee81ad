"""The handlers of the admin API, one module per kind of thing. Each module ends with its rows of the route table."""
