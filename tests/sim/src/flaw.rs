/// A bug that is built in on purpose, to see that the invariants notice it.
///
/// The cores have no switches for bugs: what they say or hear is changed at their border.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// None.
    None,
    /// The NACK round is skipped: the server believes that every NACK is confirmed at once.
    SkippedRound,
    /// The ring of a vote is ignored: whatever arrives is for the ring the node is in.
    IgnoredRing,
    /// The lease is too long: a node believes that its server answers, as long as its connection stands.
    LongLease,
    /// A withdrawn vote is cast all the same.
    KeptVote,
    /// An ACK is not delivered.
    LostVote,
    /// The server gives a node up too early.
    Impatience,
}

impl Flaw {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::SkippedRound,
        Self::IgnoredRing,
        Self::LongLease,
        Self::KeptVote,
        Self::LostVote,
        Self::Impatience,
    ];
}
