//! Several runs at once, and readers while somebody writes.

use crate::host::{AUTHORITY, Answer, Host, NODE_DB, OURS, REQUEST, Stages, Start};
use libqdevice::certs::{Access, Database, parse_certificate};
use std::collections::BTreeSet;
use std::fs;
use std::thread;

/// Runs the same program several times at once.
fn at_once(host: &Host, program: &str, calls: &[Vec<&str>]) -> Vec<Answer> {
    thread::scope(|scope| {
        let runs: Vec<_> = calls
            .iter()
            .map(|args| scope.spawn(|| host.run(program, args)))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    })
}

fn succeeded(answers: &[Answer]) -> usize {
    answers
        .iter()
        .filter(|answer| answer.exit == Some(0))
        .count()
}

#[test]
fn of_several_initializations_one_succeeds_and_the_others_say_so() {
    let Some(host) = Host::new() else {
        return;
    };
    for (program, args, taken) in [
        (
            OURS.server,
            vec!["-i"],
            "already exists. Delete it to initialize new db\n",
        ),
        (
            OURS.node,
            vec!["-i", "-c", AUTHORITY],
            "already exists. Delete it to continue\n",
        ),
    ] {
        let answers = at_once(&host, program, &vec![args; 4]);
        assert_eq!(succeeded(&answers), 1, "{answers:?}");
        let losers = answers.iter().filter(|answer| answer.exit == Some(1));
        let losers: Vec<_> = losers.collect();
        assert_eq!(losers.len(), 3, "{answers:?}");
        assert!(
            losers.iter().all(|answer| answer.err.ends_with(taken)),
            "{losers:?}"
        );
    }
    host.done(OURS.node, &["-r", "-n", "c"]);
    host.done(OURS.server, &["-s", "-c", REQUEST, "-n", "c"]);
}

#[test]
fn several_requests_are_signed_at_once_under_different_numbers() {
    let Some(host) = Stages::new(OURS).map(|stages| stages.host(Start::Requested)) else {
        return;
    };
    let names = ["a", "b", "c", "c", "d"];
    let calls = names.map(|name| vec!["-s", "-c", REQUEST, "-n", name]);
    let answers = at_once(&host, OURS.server, &calls);
    assert_eq!(succeeded(&answers), names.len(), "{answers:?}");
    let mut serials = BTreeSet::new();
    for name in ["a", "b", "c", "d"] {
        let file = host.path("qnetd/nssdb").join(format!("cluster-{name}.crt"));
        let certificate = parse_certificate(&fs::read(file).unwrap()).unwrap();
        let serial = certificate.serial_number().to_bn().unwrap();
        serials.insert(serial.to_vec());
    }
    assert_eq!(serials.len(), 4);
    assert!(
        host.files("qnetd/nssdb")
            .keys()
            .all(|name| !name.starts_with('.'))
    );
}

#[test]
fn no_key_is_lost_and_no_reader_disturbed_while_several_write() {
    const RUNS: usize = 4;
    let Some(host) = Stages::new(OURS).map(|stages| stages.host(Start::Node)) else {
        return;
    };
    let dir = host.path("qdevice/net/nssdb");
    let answers = thread::scope(|scope| {
        let writers = scope.spawn(|| at_once(&host, OURS.node, &vec![vec!["-r", "-n", "c"]; RUNS]));
        while !writers.is_finished() {
            let database = Database::open(&dir, Access::Read).unwrap();
            assert_eq!(database.named("QNet CA").unwrap().len(), 1);
        }
        writers.join().unwrap()
    });
    assert_eq!(succeeded(&answers), RUNS, "{answers:?}");
    let keys = host.run("certutil", &["-K", "-d", NODE_DB]);
    if keys.exit == Some(0) {
        assert_eq!(keys.out.matches("(orphan)").count(), RUNS, "{keys:?}");
    }
}
