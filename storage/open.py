"""The way into this room: one call that opens a database and everything that lives on it.

    async with open_database(dsn="postgresql://...") as db:        # any PostgreSQL from version 14 on
    async with open_database(data_dir=Path("./data")) as db:       # the embedded one, started or adopted

        db.store     runtime.store.Store on PostgreSQL
        db.health    runtime.store.Health; `.ready`, `.describe()`
        db.dsn       what it is connected to, without the password: for people
        await db.fetch(sql, *args)      rows, from a small pool of readers; also fetchrow, fetchval, execute
        await db.background(sql, *args) the same on the connection of traces and last-seen, which gates nothing
        db.listen(channel, handler)     handler(payload) is called on the trio thread for each NOTIFY, and
                                        handler(None) after every reconnect, when some may have been missed
        await db.migrate()              bring the schema up to date (storage/migrate.py)

What the database refuses comes as asyncpg's exceptions; a database that is away as runtime.store.StoreAway.
Entering waits until the first connection stands (the embedded server was started) and migrates unless told not to;
losing the database later is a state (`db.health`), never an exit. Leaving closes the connections, and stops the
embedded server unless another process still uses it.
"""
