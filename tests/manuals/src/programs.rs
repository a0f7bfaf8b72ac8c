use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command, ValueHint};
use libqdevice::certs::KeyKind;
use tools::{QDEVICE_TOOL, QNETD_TOOL};

/// Stands for the names of the clusters that the running daemon knows.
pub const CLUSTERS: &str = "@CLUSTERS@";

/// The command lines of the six programs, as they are declared.
pub(crate) fn programs() -> Vec<Command> {
    vec![
        qnetd::command(),
        corosync_qdevice::cli::command(),
        QNETD_TOOL.options(),
        QDEVICE_TOOL.options(),
        corosync_net_certutil::server_command(),
        corosync_net_certutil::node_command(),
    ]
}

/// The same program, with what a shell wants to know about each value.
pub(crate) fn hinted(program: &Command) -> Command {
    let name = program.get_name().to_owned();
    program.clone().mut_args(|option| hint(&name, option))
}

fn hint(program: &str, option: Arg) -> Arg {
    if !takes_value(&option) {
        // Given twice it is no mistake.
        return option.num_args(0).action(ArgAction::Count);
    }
    match value_of(&option).as_deref() {
        Some("path" | "certificate") => option.value_hint(ValueHint::FilePath),
        Some("on|off") => one_of(option, &["on", "off"]),
        Some("on|off|req") => one_of(option, &["on", "off", "req"]),
        Some("type") => one_of(option, &KeyKind::NAMES.map(|(name, _)| name)),
        Some("ssh_command" | "scp_command") => option.value_hint(ValueHint::CommandName),
        // On a node the certificate program knows of one cluster at most, and no daemon of many.
        Some("name" | "cluster_name") if program.contains("qnetd") => one_of(option, &[CLUSTERS]),
        None if program == "corosync-qdevice-net-certutil" => {
            option.value_hint(ValueHint::Hostname)
        }
        None | Some(_) => option.value_hint(ValueHint::Other),
    }
}

fn one_of(option: Arg, values: &[&'static str]) -> Arg {
    option.value_parser(PossibleValuesParser::new(values.to_vec()))
}

/// Whether something follows the option.
pub(crate) fn takes_value(option: &Arg) -> bool {
    option
        .get_num_args()
        .is_none_or(|count| count.takes_values())
}

/// What its value is called; operands have no name.
pub(crate) fn value_of(option: &Arg) -> Option<String> {
    let names = option.get_value_names()?;
    names.first().map(ToString::to_string)
}
