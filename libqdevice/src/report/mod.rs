//! What the daemons tell of themselves in JSON, and the tools read. docs/json-schema.json describes it.
//!
//! A field is never taken away or given another meaning without another [`SCHEMA`]; new ones may come.
//! Moments are milliseconds since 1970, UTC; lengths of time are milliseconds. What does not apply is
//! `null`.

mod decision;
mod device;
mod heading;
mod server;
mod what_if;

pub use decision::{Decision, History, Input, Told, Trigger};
pub use device::{
    CastReport, CommandEnd, CommandResult, ConnectionState, DeviceReport, HeuristicsReport,
    HeuristicsRun, HeuristicsWhen, LinkReport, QuorumNode, QuorumView, ServerChoice, VoteChange,
    VoterReport,
};
pub use heading::{Heading, Moment, SCHEMA};
pub use server::{
    Certificate, Clients, ClusterList, ClusterReport, ConfiguredNode, Counts, Disconnects,
    HeuristicsResults, NodeReport, Protection, ServerReport, VotesSent, WaitsFor,
};
pub use what_if::{Outcome, WhatIf};
