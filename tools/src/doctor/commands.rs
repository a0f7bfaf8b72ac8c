use super::finding::Finding;
use libqdevice::client::{ClientConfig, HeuristicsMode, split_command};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Whether the heuristics commands can be started.
pub(crate) fn check(config: &ClientConfig) -> Vec<Finding> {
    let plan = &config.heuristics;
    if plan.mode == HeuristicsMode::Off {
        return vec![Finding::ok("Heuristics are off")];
    }
    if plan.commands.is_empty() {
        return vec![Finding::warning(
            "Heuristics are on, and there is no command for them",
            "corosync-cfgtool -R, after quorum.device.heuristics.exec_NAME is set or mode is off",
        )];
    }
    let check = |(name, command): (&String, &Vec<u8>)| {
        let words = split_command(command);
        let program = words.first().map(Vec::as_slice).unwrap_or_default();
        let path = Path::new(OsStr::from_bytes(program));
        let shown = path.display();
        match fault(path) {
            None => Finding::ok(format!("Heuristics command {name} can be started: {shown}")),
            Some(why) => Finding::error(
                format!(
                    "Heuristics command {name} cannot be started: {shown} {why}; heuristics fail"
                ),
                format!(
                    "corosync-cfgtool -R, after quorum.device.heuristics.exec_{name} names a program of this \
                     node by its whole path"
                ),
            ),
        }
    };
    plan.commands.iter().map(check).collect()
}

fn fault(path: &Path) -> Option<&'static str> {
    if !path.is_absolute() {
        // Unless heuristics_use_execvp is set, which nobody outside of the daemon can see.
        return Some("does not begin with /");
    }
    match fs::metadata(path) {
        Err(_) => Some("is not there"),
        Ok(program) if !program.is_file() => Some("is no program"),
        Ok(program) if program.permissions().mode() & 0o111 == 0 => Some("is not executable"),
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_must_be_a_program_by_its_whole_path() {
        assert_eq!(fault(Path::new("/bin/sh")), None);
        assert_eq!(fault(Path::new("ping")), Some("does not begin with /"));
        assert_eq!(fault(Path::new("/no/such")), Some("is not there"));
        assert_eq!(fault(Path::new("/etc")), Some("is no program"));
        assert_eq!(fault(Path::new("/etc/passwd")), Some("is not executable"));
    }
}
