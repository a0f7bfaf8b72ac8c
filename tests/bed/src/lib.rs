//! A real corosync cluster with its arbiter on one machine, with C or our programs on either side.
//!
//! Not here: a network simulation. Every host is a network and a mount namespace, every program is the
//! real one, time is real time. Two nodes and an arbiter take a few seconds to boot.
//!
//! ```text
//! demo   scenario   runner, report         what is shown, tried, and counted
//! bed                                      a cluster and its arbiter; cutting, healing
//! node   switch   conf   votes, overlap    a member; its network; what its votequorum said
//! keys                                     certificates for both sides, by whom you like
//! bus                                      a system bus on a host, and who listens
//! reports, exporter                        what our tools and corosync's tell others, checked
//! host, holder   daemon   watcher          namespaces and what runs in them
//! process   marked   run_folder   clock, interrupt
//! ```
//!
//! Nothing outlives a run: programs end when their values are dropped, and the holder of a host ends
//! what is in it when the bed is gone for whatever reason.

pub mod bed;
pub mod bus;
pub mod clock;
pub mod conf;
pub mod daemon;
pub mod demo;
pub mod exporter;
pub mod holder;
pub mod host;
pub mod interrupt;
pub mod keys;
pub mod marked;
pub mod masked;
pub mod node;
pub mod overlap;
pub mod pretender;
pub mod process;
pub mod program;
pub mod report;
pub mod reports;
pub mod rest;
pub mod run_folder;
pub mod runner;
pub mod scenario;
pub mod standing;
pub mod switch;
pub mod table;
pub mod votes;
pub mod watcher;
