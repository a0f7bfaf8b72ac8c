//! The decision algorithms, each with its server half (who deserves the vote) and its client half
//! (what a node does with it).
//!
//! Not here: messages. An algorithm judges a view of the cluster and speaks of votes.
