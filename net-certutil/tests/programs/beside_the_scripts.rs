//! Both programs and the scripts of the C packages, in the same situations: the same lines, the same exit
//! status, the same files.

use crate::host::{
    AUTHORITY, Answer, BUNDLE, GARBAGE, Host, NODE_DB, OURS, Programs, REQUEST, SCRIPTS, SERVER_DB,
    Stages, Start, is_own_line, signed,
};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};

/// Which of the two programs.
type Pick = fn(Programs) -> &'static str;

/// What NSS's tools say on their own account, on the scripts' output: no caller looks at it.
fn own_lines(answer: &Answer) -> Answer {
    let kept = |text: &str| {
        let lines: Vec<&str> = text.lines().filter(|line| !is_own_line(line)).collect();
        lines.join("\n")
    };
    Answer {
        exit: answer.exit,
        out: kept(&answer.out),
        err: kept(&answer.err),
    }
}

/// Runs the same call on two hosts in the same state and compares everything that is visible.
fn same(theirs: &Host, ours: &Host, pick: Pick, args: &[&str]) {
    let expected = own_lines(&theirs.run(pick(SCRIPTS), args));
    let answer = own_lines(&ours.run(pick(OURS), args));
    assert_eq!(answer, expected, "{args:?}");
    same_files(theirs, ours, args);
}

fn same_files(theirs: &Host, ours: &Host, args: &[&str]) {
    for dir in ["qnetd", "qnetd/nssdb", "qdevice/net", "qdevice/net/nssdb"] {
        let mut kept = ours.files(dir);
        // What was signed before stays at hand, to be revoked one day.
        kept.retain(|file, _| !file.starts_with("replaced-"));
        assert_eq!(kept, theirs.files(dir), "{args:?}: {dir}");
    }
}

fn server(programs: Programs) -> &'static str {
    programs.server
}

fn node(programs: Programs) -> &'static str {
    programs.node
}

const ABSENT: &str = "/etc/corosync/absent";

/// Both on hosts where nothing was done yet.
fn on_empty_hosts(pick: Pick, calls: &[&[&str]]) {
    let (Some(theirs), Some(ours)) = (Host::with_scripts(), Host::with_scripts()) else {
        return;
    };
    for host in [&theirs, &ours] {
        fs::write(host.path("garbage"), "this is nothing\n").unwrap();
    }
    for args in calls {
        same(&theirs, &ours, pick, args);
    }
}

#[test]
fn usage_and_mistakes_of_the_server_s_program() {
    on_empty_hosts(
        server,
        &[
            &[],
            &["-h"],
            &["-h", "-x"],
            &["-hx"],
            &["-xh"],
            &["-x", "-h"],
            &["-G"],
            &["-n", "c"],
            &["operand", "-i"],
            &["-c"],
            &["-i", "-n"],
            &["-s"],
            &["-s", "-n", "c"],
            &["-s", "-c", ABSENT],
            &["-s", "-c", GARBAGE],
            &["-s", "-c", GARBAGE, "-n", ""],
            &["-s", "-c", GARBAGE, "-n", "c"],
            &["-is", "-c", GARBAGE],
            &["-sc", ABSENT],
            &["-c", "-h"],
        ],
    );
}

#[test]
fn usage_and_mistakes_of_the_node_s_program() {
    on_empty_hosts(
        node,
        &[
            &["-x"],
            &["-s"],
            &["-c"],
            &["-i"],
            &["-i", "-c", ABSENT],
            &["-r"],
            &["-r", "-n", "c"],
            &["-M"],
            &["-M", "-c", ABSENT],
            &["-M", "-c", GARBAGE],
            &["-m"],
            &["-m", "-c", GARBAGE],
            &["-Q"],
            &["-Q", "-n", "c"],
            &["-Q", "-n", "c", "server"],
            &["-Q", "server", "node"],
            &["-ri"],
            &["-ir"],
        ],
    );
}

#[test]
fn every_step_of_an_enrolment_and_its_repetition() {
    let (Some(theirs), Some(ours)) = (Stages::new(SCRIPTS), Stages::new(OURS)) else {
        return;
    };
    let signed = signed("c");
    let calls: [(Start, Pick, &[&str]); 15] = [
        (Start::Nothing, server, &["-i"]),
        (Start::Nothing, server, &["-i", "-G"]),
        (Start::Nothing, server, &["-Gsi"]),
        (Start::Server, server, &["-i"]),
        (Start::Server, server, &["-s", "-c", ABSENT, "-n", "c"]),
        (Start::Server, node, &["-i", "-c", AUTHORITY]),
        (Start::Node, node, &["-i", "-c", AUTHORITY]),
        (Start::Node, node, &["-r", "-n", "c"]),
        (Start::Node, node, &["-r", "-n", "two words"]),
        (Start::Requested, node, &["-r", "-n", "c"]),
        (Start::Requested, server, &["-s", "-c", REQUEST, "-n", "c"]),
        (Start::Signed, server, &["-s", "-c", REQUEST, "-n", "c"]),
        (Start::Signed, node, &["-M", "-c", &signed]),
        (Start::Enrolled, node, &["-M", "-c", &signed]),
        (Start::Enrolled, node, &["-m", "-c", BUNDLE]),
    ];
    for (start, pick, args) in calls {
        same(&theirs.host(start), &ours.host(start), pick, args);
    }
}

/// What the packages and pcs have made before `-i` is kept as it is.
#[test]
fn a_directory_that_is_there_keeps_its_mode_and_what_is_in_it() {
    let prepared = |programs: Programs| {
        let host = Host::with_scripts()?;
        host.done(programs.server, &["-i"]);
        fs::create_dir(host.path("qdevice/net/nssdb")).unwrap();
        let mode = fs::Permissions::from_mode(0o700);
        fs::set_permissions(host.path("qdevice/net/nssdb"), mode).unwrap();
        let pushed = host.path("qdevice/net/nssdb/qnetd-cacert.crt");
        fs::copy(host.path("qnetd/nssdb/qnetd-cacert.crt"), pushed).unwrap();
        fs::write(host.path("qdevice/net/nssdb/noise.txt"), "noise\n").unwrap();
        Some(host)
    };
    let (Some(theirs), Some(ours)) = (prepared(SCRIPTS), prepared(OURS)) else {
        return;
    };
    let authority = format!("{NODE_DB}/qnetd-cacert.crt");
    let args = ["-i", "-c", &authority];
    let expected = own_lines(&theirs.run(SCRIPTS.node, &args));
    assert_eq!(own_lines(&ours.run(OURS.node, &args)), expected);
    for dir in ["qdevice/net", "qdevice/net/nssdb"] {
        assert_eq!(ours.files(dir), theirs.files(dir));
    }
}

#[test]
fn the_server_s_files_belong_to_the_owner_of_its_directory() {
    let prepared = |programs: Programs| {
        let host = Host::with_scripts()?;
        chown(host.path("qnetd"), Some(4711), Some(4712)).unwrap();
        host.done(programs.server, &["-i"]);
        Some(host)
    };
    let (Some(theirs), Some(ours)) = (prepared(SCRIPTS), prepared(OURS)) else {
        return;
    };
    assert_eq!(ours.files("qnetd/nssdb"), theirs.files("qnetd/nssdb"));
    assert_eq!(ours.files("qnetd"), theirs.files("qnetd"));
    let owned = ours.files("qnetd/nssdb");
    assert!(
        owned.values().all(|file| file.contains(" 4711:4712 ")),
        "{owned:?}"
    );
}

#[test]
fn modes_follow_the_umask_where_the_scripts_let_them() {
    let prepared = |programs: Programs| {
        let host = Host::with_scripts()?;
        let line = format!(
            "umask 000; {0} -i && {1} -i -c {AUTHORITY} && {1} -r -n c && \
             {0} -s -c {REQUEST} -n c && {1} -M -c {2}",
            programs.server,
            programs.node,
            signed("c")
        );
        host.done("sh", &["-c", &line]);
        Some(host)
    };
    let (Some(theirs), Some(ours)) = (prepared(SCRIPTS), prepared(OURS)) else {
        return;
    };
    same_files(&theirs, &ours, &["umask 000"]);
}

/// Where the scripts say that all is well although nothing was done, ours say what is wrong, end with a
/// status that is not 0, and leave no file.
#[test]
fn a_failure_is_one() {
    let cases: [(Start, Pick, &[&str], i32); 7] = [
        (Start::Server, server, &["-s", "-c", GARBAGE, "-n", "c"], 1),
        (
            Start::Server,
            server,
            &["-s", "-c", "/etc/corosync", "-n", "c"],
            1,
        ),
        (
            Start::Requested,
            server,
            &["-s", "-c", REQUEST, "-n", "../c"],
            2,
        ),
        (Start::Node, node, &["-r", "-n", "a/b"], 2),
        (Start::Requested, node, &["-M", "-c", GARBAGE], 1),
        (Start::Requested, node, &["-M", "-c", AUTHORITY], 1),
        (Start::Node, node, &["-m", "-c", GARBAGE], 18),
    ];
    let Some(stages) = Stages::new(OURS) else {
        return;
    };
    for (start, pick, args, exit) in cases {
        let host = stages.host(start);
        let before = (host.files("qnetd/nssdb"), host.files("qdevice/net/nssdb"));
        let answer = host.run(pick(OURS), args);
        assert_eq!(answer.exit, Some(exit), "{args:?}: {answer:?}");
        assert!(!answer.out.contains("stored in"), "{answer:?}");
        assert!(!answer.err.is_empty());
        let after = (host.files("qnetd/nssdb"), host.files("qdevice/net/nssdb"));
        assert_eq!(after, before, "{args:?}");
    }
}

#[test]
fn an_initialization_that_fails_leaves_nothing_and_can_be_repeated() {
    let Some(host) = Host::new() else {
        return;
    };
    host.done(OURS.server, &["-i"]);
    fs::write(host.path("garbage"), "this is nothing\n").unwrap();
    let answer = host.run(OURS.node, &["-i", "-c", GARBAGE]);
    assert_eq!(answer.exit, Some(255), "{answer:?}");
    assert!(host.files("qdevice/net").is_empty());
    host.done(OURS.node, &["-i", "-c", AUTHORITY]);
}

#[test]
fn a_request_for_another_cluster_is_signed_with_a_warning() {
    let Some(host) = Host::new() else {
        return;
    };
    host.done(OURS.server, &["-i"]);
    host.done(OURS.node, &["-i", "-c", AUTHORITY]);
    host.done(OURS.node, &["-r", "-n", "c"]);
    let answer = host.run(OURS.server, &["-s", "-c", REQUEST, "-n", "d"]);
    assert_eq!(answer.exit, Some(0));
    assert!(
        answer
            .err
            .contains("the request is for cluster \"c\", not for \"d\""),
        "{answer:?}"
    );
    assert!(host.path("qnetd/nssdb/cluster-d.crt").is_file());
}

#[test]
fn nothing_but_the_programs_is_needed() {
    let Some(host) = Host::new() else {
        return;
    };
    let [server, node] = [OURS.server, OURS.node];
    let line = format!(
        "export PATH=/nonexistent; {server} -i && {node} -i -c {AUTHORITY} && {node} -r -n c && \
         {server} -s -c {REQUEST} -n c && {node} -M -c {SERVER_DB}/cluster-c.crt && {node} -m -c {BUNDLE}"
    );
    host.done("sh", &["-c", &line]);
}
