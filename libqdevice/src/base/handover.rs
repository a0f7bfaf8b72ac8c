/// When a server passes the vote on from a holder that it has lost to a partition that the holder may not
/// belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Handover {
    /// When the holder must have lost it, whatever has become of the holder.
    #[default]
    Safe,
    /// At once, as the C program does.
    AtOnce,
}
