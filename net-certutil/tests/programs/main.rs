//! The two programs as they are called, on hosts of their own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod beside_the_scripts;
mod c_daemons;
mod found_databases;
mod host;
mod interop;
mod killed;
mod quick_start;
mod together;
