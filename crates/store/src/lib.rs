//! SQLite: schema, upgrades, queries, integrity check, backup.
