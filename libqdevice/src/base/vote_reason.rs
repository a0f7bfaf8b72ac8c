use super::words::words;

words! {
    /// Why a vote is as it is: the one set of words for it, in D-Bus, in hooks, in every JSON, in sentences.
    pub enum VoteReason {
        /// There is no other partition.
        Alone = "alone",
        /// The partition with the vote is more than half of the cluster.
        Majority = "majority",
        /// The partition with the vote has more connected nodes, or nodes with better heuristics.
        Score = "score",
        /// The scores are equal, and the partition with the vote has more connected nodes.
        Connected = "connected",
        /// The partition with the vote had it before.
        Active = "active",
        /// The partition with the vote has the node that the tie-breaker names.
        TieBreaker = "tie-breaker",
        /// The tie-breaker names no node of a partition; the one with the vote has the lowest connected id.
        LowestConnected = "lowest-connected",
        /// No partition may have the vote.
        Nobody = "nobody",
        /// The nodes have not all reported yet, or do not agree on who is with whom.
        Unsettled = "unsettled",
        /// The algorithm `test` gives the vote to everybody.
        Test = "test",
        /// The node has left.
        Disconnected = "disconnected",
        /// The server has decided so (node's side).
        ServerDecision = "server-decision",
        /// The server has not decided yet (node's side).
        ServerAwaited = "server-awaited",
        /// The server has not admitted this node yet (node's side).
        NoServer = "no-server",
        /// The server is lost, and the vote is withdrawn or kept as the algorithm wants it (node's side).
        ServerLost = "server-lost",
        /// The same, because the server was silent for longer than it may be (node's side).
        ServerSilent = "server-silent",
        /// The same, because this process did not run for longer than the server waits (node's side).
        Overslept = "overslept",
        /// The daemon was asked to end (node's side).
        Shutdown = "shutdown",
        /// The daemon cannot go on (node's side).
        Failure = "failure",
    }
}
