//! What the tool is answered.

use libqdevice::client::{Client, RunReport};
use libqdevice::io::clock::{self, heading, wall_moment};
use libqdevice::io::ipc_server::Then;
use libqdevice::ipc::{QdeviceJson, QdeviceRequest, Reply};
use libqdevice::report::Certificate;

/// What there is to be told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct State<'a> {
    pub(crate) client: &'a Client,
    /// The last run of the heuristics.
    pub(crate) last_run: Option<&'a RunReport>,
    /// What TLS depends on.
    pub(crate) certificates: &'a [Certificate],
}

/// What comes of a line.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The answer.
    Whole(Reply, Then),
    /// What happens from now on.
    Events,
}

/// Answers a line of the tool.
pub(crate) fn answer(state: State<'_>, line: &[u8]) -> Answer {
    let reply = match QdeviceRequest::parse(line) {
        Ok(QdeviceRequest::Status(verbosity)) => {
            let text = state.client.status(verbosity, &clock::wall_text);
            Reply::ok(text, "Can't get QDevice status")
        }
        Ok(QdeviceRequest::Heuristics) => {
            let text = match state.last_run {
                Some(report) => report.text(&clock::wall_text),
                None => "No heuristics have run.\n".to_owned(),
            };
            Reply::ok(text, "Can't get heuristics")
        }
        Ok(QdeviceRequest::Json(QdeviceJson::Status)) => {
            let mut report = state.client.report(heading("qdevice-status"), &wall_moment);
            report.certificates = state.certificates.to_vec();
            Reply::json(&report)
        }
        Ok(QdeviceRequest::Json(QdeviceJson::Heuristics)) => {
            let heading = heading("qdevice-heuristics");
            Reply::json(&RunReport::report(state.last_run, heading, &wall_moment))
        }
        Ok(QdeviceRequest::Json(QdeviceJson::Events)) => return Answer::Events,
        Ok(QdeviceRequest::Shutdown) => return Answer::Whole(Reply::done(), Then::Shutdown),
        Err(error) => error.into(),
    };
    Answer::Whole(reply, Then::Close)
}
