//! The deciding half of `corosync-qnetd` and `corosync-qdevice`.
//!
//! ```text
//! adapters   outlets (events go out by D-Bus and hooks)   tls (both of these)
//!            io (tokio, log, lock file)   certs (X.509, NSS database)   a feature each
//! -------------------------------- pure from here down: no clock, socket, file
//! telling    events (what the machines tell, for D-Bus and hooks)
//! machines   server          client          ipc
//! reports    report
//! parts      vote            wire            settings
//! words      base
//! ```
//!
//! A row uses rows below it, never one beside it (`server` and `client` never see each other);
//! `cargo xtask layers` checks that. Both machines have the same three methods: `handle` takes a
//! moment and an event and appends actions, `handle_timeout` takes a moment, `next_deadline` says when
//! it wants to be called. Whoever drives them (daemon, simulator, test) performs the actions in order.
//!
//! Read in this order: `base`, `wire::Message`, `server::Event`, `vote::FfSplit`, `client::Phase`.
#![cfg_attr(not(feature = "certs"), forbid(unsafe_code))]

pub mod base;
#[cfg(feature = "certs")]
pub mod certs;
pub mod client;
pub mod events;
#[cfg(feature = "io")]
pub mod io;
pub mod ipc;
#[cfg(feature = "io")]
pub mod outlets;
pub mod report;
pub mod server;
pub mod settings;
#[cfg(feature = "tls")]
pub mod tls;
pub mod vote;
pub mod wire;
