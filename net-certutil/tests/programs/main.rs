//! The two programs as they are called, on hosts of their own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod beside_the_scripts;
mod callers;
mod checking;
mod daemons;
mod found_databases;
mod host;
mod interop;
mod killed;
mod listing;
mod quick_start;
mod renewal;
mod revocation;
mod together;

#[path = "../../../tests/servers.rs"]
mod servers;
