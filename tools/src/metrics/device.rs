use super::page::{Page, Seconds};
use super::{NOT_AFTER, UP, VERSION};
use libqdevice::base::{Heuristics, Vote};
use libqdevice::report::{ConnectionState, DeviceReport, HeuristicsRun, Moment};

/// What the metrics of a node are made of.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) status: DeviceReport,
    pub(crate) run: HeuristicsRun,
}

/// The metrics of a node.
pub(crate) fn of_node(node: &Node) -> String {
    let mut page = Page::default();
    let status = &node.status;
    page.gauge("corosync_qdevice_up", UP).add(&[], 1);
    page.gauge("corosync_qdevice_build_info", VERSION)
        .add(&[("version", &status.heading.version)], 1);
    link(&mut page, status);
    vote(&mut page, status);
    heuristics(&mut page, node);
    let mut ends = page.gauge("corosync_qdevice_certificate_not_after_seconds", NOT_AFTER);
    for certificate in &status.certificates {
        let end = Seconds::from(certificate.not_after_ms);
        ends.add(&[("subject", &certificate.subject)], end);
    }
    page.finish()
}

fn link(page: &mut Page, status: &DeviceReport) {
    let link = &status.link;
    let is = |state| u8::from(link.state == state);
    page.gauge(
        "corosync_qdevice_connected",
        "Whether the server has admitted this node and its votes count.",
    )
    .add(&[], is(ConnectionState::Connected));
    let mut family = page.gauge(
        "corosync_qdevice_state",
        "How far the connection to the server has come.",
    );
    for (name, state) in [
        ("connected", ConnectionState::Connected),
        ("connecting", ConnectionState::Connecting),
        ("connect-failed", ConnectionState::ConnectFailed),
        ("disconnected", ConnectionState::Disconnected),
    ] {
        family.add(&[("state", &name)], is(state));
    }
    page.counter(
        "corosync_qdevice_reconnects",
        "How often the server has admitted this node again.",
    )
    .add(&[], link.connects.saturating_sub(1));
    moment(
        page,
        "corosync_qdevice_echo_reply_timestamp_seconds",
        "When the server answered an echo last, in seconds since 1970.",
        link.echo_reply_at_ms,
    );
}

fn vote(page: &mut Page, status: &DeviceReport) {
    let casts = status.cast.active && status.cast.vote == Vote::Ack;
    page.gauge(
        "corosync_qdevice_vote_cast",
        "Whether the device's vote is cast for this part of the cluster.",
    )
    .add(&[], u8::from(casts));
    page.counter(
        "corosync_qdevice_vote_changes",
        "How often the vote has changed.",
    )
    .add(&[], status.history.last().map_or(0, |last| last.sequence));
    moment(
        page,
        "corosync_qdevice_last_poll_timestamp_seconds",
        "When votequorum was told the vote last, in seconds since 1970.",
        status.cast.last_poll_at_ms,
    );
    page.gauge(
        "corosync_qdevice_quorate",
        "Whether votequorum says that this part of the cluster may go on.",
    )
    .add(&[], u8::from(status.quorate));
    page.gauge(
        "corosync_qdevice_expected_votes",
        "The votes votequorum expects.",
    )
    .add(&[], status.expected_votes);
}

fn heuristics(page: &mut Page, node: &Node) {
    let results = &node.status.heuristics;
    let mut pass = page.gauge(
        "corosync_qdevice_heuristics_pass",
        "Whether the heuristics passed; missing while there is no result.",
    );
    for (kind, result) in [
        ("latest", results.latest),
        ("regular", results.regular),
        ("membership", results.membership),
        ("connect", results.connect),
    ] {
        let passed = match result {
            Heuristics::Pass => 1,
            Heuristics::Fail => 0,
            Heuristics::Undefined => continue,
        };
        pass.add(&[("kind", &kind)], passed);
    }
    let mut took = page.gauge(
        "corosync_qdevice_heuristics_exec_seconds",
        "How long a command of the heuristics took in their last run.",
    );
    for command in &node.run.commands {
        took.add(&[("name", &command.name)], Seconds(command.took_ms));
    }
    let mut passed = page.gauge(
        "corosync_qdevice_heuristics_exec_pass",
        "Whether a command of the heuristics passed in their last run.",
    );
    for command in &node.run.commands {
        passed.add(&[("name", &command.name)], u8::from(command.pass));
    }
}

/// A moment, if there is one.
fn moment(page: &mut Page, name: &'static str, help: &'static str, at: Option<Moment>) {
    let mut family = page.gauge(name, help);
    if let Some(at) = at {
        family.add(&[], Seconds::from(at));
    }
}
