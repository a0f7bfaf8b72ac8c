//! The tool beside Debian's, without a daemon. With daemons the test bed compares them.

#[path = "../../tests/tools/same_as_c.rs"]
mod same_as_c;

#[test]
fn usage_errors_and_exit_codes_are_those_of_the_c_tool() {
    same_as_c::compare(
        env!("CARGO_BIN_EXE_corosync-qdevice-tool"),
        "/usr/sbin/corosync-qdevice-tool",
        &[
            &[],
            &["-h"],
            &["-v"],
            &["-x"],
            &["-sx"],
            &["--help"],
            &["-s", "-p"],
            &["-s", "-p", "/nonexistent/socket"],
            &["-sv", "-p/nonexistent/socket"],
            &["-H", "word", "-p", "/nonexistent/socket"],
            &["-s", "-p", ""],
            &[
                "-s",
                "-p",
                "/a-path-that-is-too-long-for-a-local-socket/a-path-that-is-too-long-for-a-local-socket/a-path-that-is-too-long",
            ],
            &["-s", "-p", "/dev/null"],
        ],
    );
}
