use crate::programs::{CLUSTERS, hinted};
use clap::Command;
use clap_complete::{Shell, generate};

/// The completion of a program, asking the running daemon for the names of clusters.
///
/// Whoever connects to the daemon without a certificate can call his cluster what he likes, and shells
/// expand what they complete: only names without a meaning to any shell are offered.
pub(crate) fn of(shell: Shell, program: &Command) -> String {
    let name = program.get_name().to_owned();
    let mut script = Vec::new();
    generate(shell, &mut hinted(program), &name, &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    if !script.contains(CLUSTERS) {
        return headed(shell, &script);
    }
    let function = format!("_{}_clusters", name.replace('-', "_"));
    let (declared, placeholder, call) = if shell == Shell::Fish {
        (
            format!("function {function}\n    {LIST}\nend\n\n"),
            format!("\"{CLUSTERS}\\t''\""),
            format!("\"({function})\""),
        )
    } else if shell == Shell::Zsh {
        (
            format!("{function}() {{\n    compadd -- ${{(f)\"$({LIST})\"}}\n}}\n\n"),
            format!("({CLUSTERS})"),
            function,
        )
    } else {
        (
            format!("{function}() {{\n    {LIST}\n}}\n\n"),
            CLUSTERS.to_owned(),
            format!("$({function})"),
        )
    };
    let script = script.replace(&placeholder, &call);
    match script.split_once("\n\n") {
        // zsh wants its first line first.
        Some((first, rest)) if shell == Shell::Zsh => {
            headed(shell, &format!("{first}\n\n{declared}{rest}"))
        }
        _ => headed(shell, &format!("{declared}{script}")),
    }
}

const LIST: &str = r#"corosync-qnetd-tool -l 2>/dev/null | LC_ALL=C sed -n 's/^Cluster "\([A-Za-z0-9_.:@+-]*\)":$/\1/p'"#;

/// With a word to whoever wants to change it, behind the first line where that must stay the first.
fn headed(shell: Shell, script: &str) -> String {
    let head = "# Written by `cargo xtask man` from the declared options: change those.\n";
    match script.split_once('\n') {
        Some((first, rest)) if shell == Shell::Zsh => format!("{first}\n{head}{rest}"),
        _ => format!("{head}{script}"),
    }
}
