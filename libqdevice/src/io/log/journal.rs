use super::Debug;
use super::about::About;
use super::line::Line;
use crate::base::Level;
use std::io;
use tracing::{Dispatch, dispatcher};
use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer, SubscriberExt};

/// The journal of systemd.
///
/// `tracing-journald` knows five priorities by `tracing`'s five levels, and one more is needed: each
/// level is shifted by one, and crit comes through a layer of its own.
#[derive(Debug)]
pub(super) struct Journal {
    dispatch: Dispatch,
}

impl Journal {
    /// Fails where no journald listens.
    pub(super) fn open(ident: &str, debug: Debug) -> io::Result<Self> {
        let layer = |mappings| -> io::Result<_> {
            Ok(tracing_journald::layer()?
                .with_syslog_identifier(ident.to_owned())
                .with_field_prefix(Some("COROSYNC".to_owned()))
                .with_custom_fields([("SYSLOG_FACILITY", "3")])
                .with_priority_mappings(mappings))
        };
        let crit = PriorityMappings {
            error: Priority::Critical,
            ..PriorityMappings::new()
        };
        let registry = tracing_subscriber::registry()
            .with(layer(shifted(debug))?.with_filter(filter_fn(|event| event.target() == LINE)))
            .with(layer(crit)?.with_filter(filter_fn(|event| event.target() == CRIT_LINE)));
        Ok(Self {
            dispatch: Dispatch::new(registry),
        })
    }

    pub(super) fn write(&self, line: &Line) {
        use tracing::Level as Rough;
        dispatcher::with_default(&self.dispatch, || match line.level {
            Level::Crit => emit!(CRIT_LINE, Rough::ERROR, line),
            Level::Error => emit!(LINE, Rough::ERROR, line),
            Level::Warning => emit!(LINE, Rough::WARN, line),
            Level::Notice => emit!(LINE, Rough::INFO, line),
            Level::Info => emit!(LINE, Rough::DEBUG, line),
            Level::Debug => emit!(LINE, Rough::TRACE, line),
        });
    }
}

/// Emits the event that `tracing-journald` writes: the names of its fields are those in the journal.
macro_rules! emit {
    ($target:expr, $level:expr, $line:expr) => {{
        let about: &About = &$line.about;
        tracing::event!(
            target: $target,
            $level,
            cluster = about.cluster.as_deref(),
            node_id = about.node.as_deref(),
            ring_id = about.ring.as_deref(),
            vote = about.vote.as_deref(),
            heuristics = about.heuristics.as_deref(),
            reason = about.reason.as_deref(),
            peer = about.peer.as_deref(),
            program = about.program.as_deref(),
            repeated = about.repeated.as_deref(),
            "{}",
            $line.text
        )
    }};
}
use emit;

/// The priorities of the lines from error to debug, as `write` expresses them.
fn shifted(debug: Debug) -> PriorityMappings {
    PriorityMappings {
        error: Priority::Error,
        warn: Priority::Warning,
        info: Priority::Notice,
        debug: Priority::Informational,
        trace: match debug {
            Debug::Hidden | Debug::Shown => Priority::Debug,
            Debug::Raised => Priority::Informational,
        },
    }
}

const LINE: &str = "log::line";
const CRIT_LINE: &str = "log::line::crit";
