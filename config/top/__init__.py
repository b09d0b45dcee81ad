"""`csms top`: the actor console in a terminal, a process of its own over the admin API."""
