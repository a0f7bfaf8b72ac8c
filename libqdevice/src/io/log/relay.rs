use super::backlog::Backlog;
use super::line::Line;
use crate::base::Level;
use std::fmt::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// Target of the events whose level `tracing` does not have: error stands for crit.
pub(super) const CRIT: &str = "crit";
/// Target of the events whose level `tracing` does not have: info stands for notice.
pub(super) const NOTICE: &str = "notice";

/// Queues what is said through `tracing`.
#[derive(Debug)]
pub(super) struct Relay {
    backlog: Arc<Backlog>,
    debug: Arc<AtomicBool>,
}

impl Relay {
    pub(super) const fn new(backlog: Arc<Backlog>, debug: Arc<AtomicBool>) -> Self {
        Self { backlog, debug }
    }

    fn limit(&self) -> LevelFilter {
        if self.debug.load(Ordering::Relaxed) {
            LevelFilter::DEBUG
        } else {
            LevelFilter::INFO
        }
    }
}

impl<S: Subscriber> Layer<S> for Relay {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // Asked again whenever the limit changes.
        if *metadata.level() <= self.limit() {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        *metadata.level() <= self.limit()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.limit())
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        self.backlog.push(Line::new(
            level_of(event.metadata()),
            &(text.message + &text.fields),
        ));
    }
}

/// The level an event was meant to have.
fn level_of(metadata: &Metadata<'_>) -> Level {
    match (metadata.target(), *metadata.level()) {
        (CRIT, _) => Level::Crit,
        (NOTICE, _) => Level::Notice,
        (_, tracing::Level::ERROR) => Level::Error,
        (_, tracing::Level::WARN) => Level::Warning,
        (_, tracing::Level::INFO) => Level::Info,
        (_, tracing::Level::DEBUG | tracing::Level::TRACE) => Level::Debug,
    }
}

/// The message, and behind it other fields as ` name=value`.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail.
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::tell;
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;
    use tracing_subscriber::layer::SubscriberExt;

    /// What reaches the sinks of what `speak` says.
    fn heard(debug: bool, speak: impl FnOnce(&AtomicBool)) -> Vec<(Level, String)> {
        let (backlog, debug) = (
            Arc::new(Backlog::default()),
            Arc::new(AtomicBool::new(debug)),
        );
        let relay = Relay::new(Arc::clone(&backlog), Arc::clone(&debug));
        let subscriber = tracing_subscriber::registry().with(relay);
        tracing::subscriber::with_default(subscriber, || speak(&debug));
        let (sender, lines) = mpsc::channel();
        let source = Arc::clone(&backlog);
        std::thread::spawn(move || {
            source.drain(|line| {
                // Nothing is written after the flush below.
                let _ = sender.send((line.level, line.text.clone()));
            });
        });
        backlog.flush(Duration::from_secs(60));
        lines.try_iter().collect()
    }

    #[test]
    fn all_six_levels_survive() {
        let levels = [
            Level::Crit,
            Level::Error,
            Level::Warning,
            Level::Notice,
            Level::Info,
            Level::Debug,
        ];
        let lines = heard(true, |_| levels.iter().for_each(|&level| tell(level, &"x")));
        assert_eq!(lines, levels.map(|level| (level, "x".to_owned())));
    }

    #[test]
    fn debug_lines_come_and_go_with_the_switch() {
        let lines = heard(false, |debug| {
            tell(Level::Debug, &"one");
            debug.store(true, Ordering::Relaxed);
            tracing::callsite::rebuild_interest_cache();
            tell(Level::Debug, &"two");
            debug.store(false, Ordering::Relaxed);
            tracing::callsite::rebuild_interest_cache();
            tell(Level::Debug, &"three");
        });
        assert_eq!(lines, [(Level::Debug, "two".to_owned())]);
    }

    #[test]
    fn fields_follow_the_message() {
        let lines = heard(false, |_| tracing::warn!(peer = 3, "slow"));
        assert_eq!(lines, [(Level::Warning, "slow peer=3".to_owned())]);
    }
}
