use super::about::{About, Standing};
use super::backlog::Backlog;
use super::line::Line;
use crate::base::Level;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
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
    standing: Arc<OnceLock<Standing>>,
}

impl Relay {
    pub(super) const fn new(
        backlog: Arc<Backlog>,
        debug: Arc<AtomicBool>,
        standing: Arc<OnceLock<Standing>>,
    ) -> Self {
        Self {
            backlog,
            debug,
            standing,
        }
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
        let mut said = Said::default();
        event.record(&mut said);
        let (mut text, mut about) = (said.message + &said.others, said.about);
        if let Some(standing) = self.standing.get() {
            standing.complete(&mut about);
            text += &standing.to_string();
        }
        let line = Line::new(level_of(event.metadata()), &text).about(about);
        self.backlog.push(line);
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

/// The message, what it is about, and other fields as ` name=value`, which go behind it.
#[derive(Default)]
struct Said {
    message: String,
    about: About,
    others: String,
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail.
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else if self.about.take(field.name(), value) {
            Ok(())
        } else {
            write!(self.others, " {}={value:?}", field.name())
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::{tell, tell_of};
    use super::*;
    use crate::base::{Facts, NodeId, Repeats};
    use std::sync::mpsc;
    use std::time::Duration;
    use tracing_subscriber::layer::SubscriberExt;

    /// What reaches the sinks of what `speak` says.
    fn heard(debug: bool, speak: impl FnOnce(&AtomicBool)) -> Vec<(Level, String)> {
        let lines = lines(debug, None, speak);
        let lines = lines.into_iter().map(|line| (line.level, line.text));
        lines.collect()
    }

    fn lines(
        debug: bool,
        standing: Option<Standing>,
        speak: impl FnOnce(&AtomicBool),
    ) -> Vec<Line> {
        let (backlog, debug) = (
            Arc::new(Backlog::default()),
            Arc::new(AtomicBool::new(debug)),
        );
        let standing = Arc::new(standing.map_or_else(OnceLock::new, OnceLock::from));
        let relay = Relay::new(Arc::clone(&backlog), Arc::clone(&debug), standing);
        let subscriber = tracing_subscriber::registry().with(relay);
        tracing::subscriber::with_default(subscriber, || speak(&debug));
        let (sender, lines) = mpsc::channel();
        let source = Arc::clone(&backlog);
        std::thread::spawn(move || {
            source.drain(|lines| {
                for line in lines {
                    // Nothing is written after the flush below.
                    let _ = sender.send(line.clone());
                }
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
        let lines = heard(false, |_| tracing::warn!(colour = 3, "slow"));
        assert_eq!(lines, [(Level::Warning, "slow colour=3".to_owned())]);
    }

    #[test]
    fn facts_go_beside_the_text() {
        let facts = Facts {
            cluster: Some(&"K".into()),
            node: Some(NodeId(1)),
            vote: Some("ack"),
            repeats: Repeats::Counted,
            ..Facts::default()
        };
        let lines = lines(false, None, |_| tell_of(Level::Notice, &facts, &"x"));
        assert_eq!(lines[0].level, Level::Notice);
        assert_eq!(lines[0].text, "x");
        let expected = About {
            cluster: Some("K".to_owned()),
            node: Some("1".to_owned()),
            vote: Some("ack".to_owned()),
            is_counted: true,
            ..About::default()
        };
        assert_eq!(lines[0].about, expected);
    }

    #[test]
    fn a_daemon_that_serves_one_node_names_it_in_every_line() {
        let standing = Standing::new(&"K".into(), NodeId(1), "arbiter:5403");
        let lines = lines(false, Some(standing), |_| tell(Level::Error, &"x"));
        assert_eq!(
            lines[0].text,
            "x (cluster K, node_id 1, server arbiter:5403)"
        );
        assert_eq!(lines[0].about.peer.as_deref(), Some("arbiter:5403"));
    }
}
