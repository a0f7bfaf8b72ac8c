use libqdevice::client::{QdeviceSettings, split_command};
use libqdevice::ipc::{QdeviceRequest, QnetdRequest, Status};
use libqdevice::server::QnetdSettings;
use libqdevice::settings::Settings;

/// A line on the socket of either daemon, and as the head of what a tool gets back.
pub fn ipc_line(data: &[u8]) {
    let _ = QnetdRequest::parse(data);
    let _ = QdeviceRequest::parse(data);
    let _ = Status::parse(data);
}

/// The argument of `-S`: what was refused has named the entry, and what was taken over is taken again.
pub fn settings(data: &[u8]) {
    let Ok(argument) = std::str::from_utf8(data) else {
        return;
    };
    both_alike::<QnetdSettings>(argument);
    both_alike::<QdeviceSettings>(argument);
}

fn both_alike<S: Settings + Default + PartialEq + std::fmt::Debug>(argument: &str) {
    let mut once = S::default();
    match once.apply(argument) {
        Ok(deprecated) => {
            let mut twice = S::default();
            assert_eq!(twice.apply(argument), Ok(deprecated));
            assert_eq!(once, twice);
        }
        Err(refused) => assert!(!refused.to_string().is_empty()),
    }
}

/// The command of an `exec_NAME` key. Its arguments, each in quotes, are split into themselves.
pub fn command(data: &[u8]) {
    let arguments = split_command(data);
    let mut quoted = Vec::new();
    for argument in &arguments {
        quoted.push(b'"');
        for &byte in argument {
            if matches!(byte, b'"' | b'\\') {
                quoted.push(b'\\');
            }
            quoted.push(byte);
        }
        quoted.extend(b"\" ");
    }
    assert_eq!(split_command(&quoted), arguments);
}
