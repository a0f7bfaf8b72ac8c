use super::{Missed, Records};
use crate::events::{SCHEMA, Source};
use crate::io::clock;
use tokio::sync::mpsc;

/// The records as lines of JSON, for whoever reads one after the other; ends when nobody does.
///
/// The first line is an event `watching`: nothing that comes after it is missed unsaid. Records that a reader was too slow for are told as an event `events-missed` with their number. Needs
/// a runtime.
#[must_use]
pub fn lines(source: Source, mut records: Records) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        let first = own_line(source, "watching", None);
        if sender.send(first).await.is_err() {
            return;
        }
        loop {
            let record = tokio::select! {
                record = records.next() => record,
                () = sender.closed() => return,
            };
            let line = match record {
                Some(Ok(record)) => record.json(),
                Some(Err(Missed(count))) => own_line(source, "events-missed", Some(count)),
                None => return,
            };
            if sender.send(line).await.is_err() {
                return;
            }
        }
    });
    lines
}

/// An event of the reading itself, which has no number.
fn own_line(source: Source, event: &str, count: Option<u64>) -> String {
    let line = serde_json::json!({
        "schema": SCHEMA,
        "source": source,
        "sequence": null,
        "at_ms": clock::wall_now().timestamp_millis(),
        "event": event,
        "count": count,
    });
    line.to_string()
}

/// Lines that wait to be written; more wait in the feed.
const WAITING: usize = 16;

#[cfg(test)]
mod tests {
    use super::super::Feed;
    use super::*;
    use crate::events::Event;

    #[tokio::test]
    async fn whoever_is_too_slow_is_told_how_many_events_were_missed() {
        let mut feed = Feed::new(Source::Qnetd);
        let mut lines = lines(Source::Qnetd, feed.subscribe());
        for _ in 0..Feed::CAPACITY + 5 {
            feed.publish(Event::CertificatesReloaded {
                directory: "/d".into(),
            });
        }
        assert!(lines.recv().await.unwrap().contains("\"watching\""));
        let first = lines.recv().await.unwrap();
        assert!(first.contains("\"event\":\"events-missed\""), "{first}");
        assert!(first.contains("\"count\":5"), "{first}");
        let second = lines.recv().await.unwrap();
        assert!(second.contains("\"sequence\":6,"), "{second}");
    }

    #[tokio::test]
    async fn when_the_reader_goes_nothing_is_left_of_it() {
        let mut feed = Feed::new(Source::Qnetd);
        drop(lines(Source::Qnetd, feed.subscribe()));
        while feed.has_readers() {
            tokio::task::yield_now().await;
        }
        feed.publish(Event::CertificatesReloaded {
            directory: "/d".into(),
        });
    }
}
