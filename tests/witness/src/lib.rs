//! What tests see of the daemons from outside, whether corosync is real or played.
//!
//! ```text
//! schema        JSON against docs/json-schema.json
//! openmetrics   metrics, as strictly as the standard has them
//! bus           a private system bus with our policy files; the signals that were heard on it
//! follower      what a running program says, line by line
//! apart         namespaces of its own for a test
//! ```

pub mod apart;
pub mod bus;
pub mod follower;
pub mod openmetrics;
pub mod schema;
