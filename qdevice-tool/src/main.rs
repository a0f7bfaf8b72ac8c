//! `corosync-qdevice-tool`: asks the daemon over its local socket. [C: corosync-qdevice-tool.c]

use libqdevice::client::QdeviceSettings;
use libqdevice::io::tool::Tool;
use std::process::ExitCode;

fn main() -> ExitCode {
    let tool = Tool {
        name: "corosync-qdevice-tool",
        usage: "[-Hhsv] [-p qdevice_ipc_socket_path]",
        lists: false,
        unreachable: "Can't connect to QDevice socket (is QDevice running?)",
        unanswered: 3,
    };
    tool.run(
        &QdeviceSettings::default().local_socket_file,
        std::env::args_os(),
    )
}
