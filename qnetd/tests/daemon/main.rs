//! The real daemon, started as an administrator starts it.
#![expect(
    clippy::unwrap_used,
    reason = "in a test an error is a failure, in its support too"
)]

mod addresses;
mod clients;
mod keys;
mod memory;
mod same_as_c;
mod start_and_end;
mod support;
mod tls;
mod unavailable;
mod way_down;
