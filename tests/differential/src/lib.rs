//! Runs random scenarios on two servers in lockstep and compares every word they say.
//!
//! ```text
//! seed -> plan -> trace (plain steps, text) -> game -> lane theirs: corosync-qnetd of the distribution
//!                                               |  \-> lane ours:   corosync-qnetd of this repository
//!                                               v
//!                                             judge (what was accepted, who deserves the vote,
//!                                                    which differences are expected)
//! ```
//!
//! After every step each connection that it can concern gets an echo request; once all echoes are
//! answered, everything that follows from the step has arrived. So nothing here waits for time to
//! pass, and a scenario ends in the same way every time.
//!
//! What is compared: all that is not a decision (codes, order of options, echoes, ends of connections)
//! is equal always, up to the list in [`judge`]. Votes: where those of the C server keep the invariants
//! (no two partitions cast, all nodes of a partition hold the same vote at rest, a partition that
//! deserves the vote has it), the votes at rest are equal; where they do not, ours keep them and the
//! rule of the C server that broke them is named.

pub mod bench;
pub mod game;
pub mod judge;
pub mod plan;
pub mod trace;
