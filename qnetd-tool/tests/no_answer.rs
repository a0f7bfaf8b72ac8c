//! No answer is no success.

#[path = "../../tests/tools/no_answer.rs"]
mod no_answer;

#[test]
fn a_daemon_that_says_nothing_is_an_error() {
    let code = no_answer::exit_code(env!("CARGO_BIN_EXE_corosync-qnetd-tool"));
    assert_eq!(code, Some(2));
}
