use super::Stage;
use anyhow::Result;
use libqdevice::base::RingId;

/// The ring of nodes 1 and 2 while they are together.
pub const TOGETHER: RingId = RingId::new(1, 4);
/// That of node 1 after a split.
pub const LEFT: RingId = RingId::new(1, 8);
/// That of node 2 after a split.
pub const RIGHT: RingId = RingId::new(2, 8);

/// The cluster that most tests are about: nodes 1 and 2.
impl Stage {
    /// Starts both nodes, together, and waits until they have the vote.
    pub fn start_two(&mut self) -> Result<()> {
        for id in [1, 2] {
            self.start_node(id, &[1, 2], &[])?;
            self.order(id, "ring 1/4 sees 1 2")?;
        }
        self.until_cast(&[1, 2], TOGETHER, true)
    }

    /// Lets each lose the other, and waits until only node 1 has the vote.
    pub fn split_two(&mut self) -> Result<()> {
        self.order(1, "ring 1/8 sees 1")?;
        self.order(2, "ring 2/8 sees 2")?;
        self.until_cast(&[1], LEFT, true)?;
        self.until_cast(&[2], RIGHT, false)
    }
}
