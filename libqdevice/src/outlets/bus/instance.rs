use crate::io::clock;

/// A word for this run of the daemon, which no other run on this machine has: those who follow events see
/// by it that the daemon was started again, and that numbers begin anew.
#[must_use]
pub fn instance_id() -> String {
    word(clock::wall_moment(clock::now()).0, std::process::id())
}

fn word(started_ms: u64, process: u32) -> String {
    format!("{started_ms:x}-{process:x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_process_or_another_moment_has_another_word() {
        let words = [word(1, 1), word(1, 2), word(2, 1), word(17, 1)];
        for (index, one) in words.iter().enumerate() {
            assert!(!words[..index].contains(one), "{one}");
        }
    }
}
