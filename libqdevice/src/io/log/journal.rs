use super::Debug;
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

    pub(super) fn write(&self, Line { level, text, .. }: &Line) {
        dispatcher::with_default(&self.dispatch, || match level {
            Level::Crit => tracing::error!(target: CRIT_LINE, "{text}"),
            Level::Error => tracing::error!(target: LINE, "{text}"),
            Level::Warning => tracing::warn!(target: LINE, "{text}"),
            Level::Notice => tracing::info!(target: LINE, "{text}"),
            Level::Info => tracing::debug!(target: LINE, "{text}"),
            Level::Debug => tracing::trace!(target: LINE, "{text}"),
        });
    }
}

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
