use super::{CmapSnapshot, Notice};
use crate::settings::bool_word;

/// Whether corosync.conf asks for debug messages; keys with other values are named in the list.
/// [C: qdevice-log.c, `qdevice_log_configure`]
///
/// `-d` on the command line stands above this.
#[must_use]
pub fn debug_wanted(cmap: &CmapSnapshot) -> (bool, Vec<Notice>) {
    let (mut debug, mut remarks) = (false, Vec::new());
    for (key, shown) in [
        ("logging.debug", "logging.debug value is not valid"),
        (
            "logging.logger_subsys.QDEVICE.debug",
            "logging.logger_subsys.QDEVICE.debug value is not valid.",
        ),
    ] {
        let Some(text) = cmap.text(key) else { continue };
        match bool_word(&text) {
            Some(wanted) => debug = wanted,
            None if text.eq_ignore_ascii_case("trace") => debug = true,
            None => remarks.push(Notice::BadDebugSwitch(shown)),
        }
    }
    (debug, remarks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn debug(all: Option<&str>, own: Option<&str>) -> (bool, Vec<String>) {
        let keys = [
            ("logging.debug", all),
            ("logging.logger_subsys.QDEVICE.debug", own),
        ];
        let cmap = keys
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect();
        let (debug, remarks) = debug_wanted(&cmap);
        (debug, remarks.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_switch_of_the_subsystem_wins() {
        assert!(!debug(None, None).0);
        assert!(debug(Some("on"), None).0);
        assert!(!debug(Some("on"), Some("off")).0);
        assert!(debug(Some("off"), Some("Trace")).0);
    }

    #[test]
    fn a_switch_that_is_neither_is_named_and_changes_nothing() {
        let (wanted, remarks) = debug(Some("on"), Some("maybe"));
        assert!(wanted);
        assert_eq!(
            remarks,
            ["logging.logger_subsys.QDEVICE.debug value is not valid."]
        );
        assert_eq!(
            debug(Some("x"), None),
            (false, vec!["logging.debug value is not valid".into()])
        );
    }
}
