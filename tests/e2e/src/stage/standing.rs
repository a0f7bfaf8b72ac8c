use crate::report::What;
use libqdevice::base::RingId;

/// What a node did last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// The last poll: its ring, and whether it cast the vote.
    pub cast: Option<(RingId, bool)>,
    /// Whether its partition may go on; nothing while a membership is being formed.
    pub quorate: Option<bool>,
    /// The ring it is in.
    pub ring: Option<RingId>,
}

impl Standing {
    pub(super) fn note(&mut self, what: What) {
        match what {
            What::Forming(ring) => (self.ring, self.quorate) = (Some(ring), None),
            What::CastFor(ring) => self.cast = Some((ring, true)),
            What::CastAgainst(ring) => self.cast = Some((ring, false)),
            What::Quorate(_) => self.quorate = Some(true),
            What::Blocked(_) => self.quorate = Some(false),
            What::Registered | What::Refused(_) | What::Frozen | What::Left => {}
        }
    }

    /// Whether it has the vote in this ring, and serves.
    #[must_use]
    pub fn serves_with_vote(&self, ring: RingId) -> bool {
        self.cast == Some((ring, true)) && self.quorate == Some(true)
    }
}
