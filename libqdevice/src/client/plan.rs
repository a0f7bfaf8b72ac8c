use super::{CmapSnapshot, CmapValue, ConfigFault, Notice, QdeviceSettings, split_command};
use crate::base::Millis;
use crate::settings::{bool_word, number};
use std::collections::BTreeMap;

/// When heuristics run at all: `quorum.device.heuristics.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HeuristicsMode {
    /// Never.
    #[default]
    Off,
    /// At the start, when the membership changes and when a connection is made.
    Sync,
    /// Then, and regularly.
    On,
}

impl HeuristicsMode {
    /// The text of the status command. [C: qdevice-heuristics-mode.c]
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "Disabled",
            Self::Sync => "Enabled only on sync",
            Self::On => "Enabled",
        }
    }
}

/// What the heuristics are: `quorum.device.heuristics.*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HeuristicsPlan {
    /// When they run.
    pub mode: HeuristicsMode,
    /// How long a run may take.
    pub timeout: Millis,
    /// How long a run may take while corosync forms a membership.
    pub sync_timeout: Millis,
    /// Time between the end of a run and the next regular one.
    pub interval: Millis,
    /// The commands by name; empty when the mode is off.
    pub commands: BTreeMap<String, Vec<u8>>,
}

impl HeuristicsPlan {
    /// Reads the keys; what was ignored is told in `remarks`.
    /// [C: qdevice-instance.c, `qdevice_instance_configure_from_cmap_heuristics`]
    pub(super) fn from_cmap(
        cmap: &CmapSnapshot,
        settings: &QdeviceSettings,
        poll_timeouts: PollTimeouts,
        remarks: &mut Vec<Notice>,
    ) -> Result<Self, ConfigFault> {
        let PollTimeouts { normal, sync } = poll_timeouts;
        let short = (
            settings.heuristics_min_timeout,
            settings.heuristics_max_timeout,
        );
        let long = (
            settings.heuristics_min_interval,
            settings.heuristics_max_interval,
        );
        let mut plan = Self {
            timeout: millis(cmap, "heuristics.timeout", short, Millis(normal.0 / 2))?,
            sync_timeout: millis(cmap, "heuristics.sync_timeout", short, Millis(sync.0 / 2))?,
            interval: millis(
                cmap,
                "heuristics.interval",
                long,
                Millis(normal.0.saturating_mul(3)),
            )?,
            mode: mode(cmap)?,
            commands: BTreeMap::new(),
        };
        if plan.mode != HeuristicsMode::Off {
            plan.commands = commands(cmap, remarks);
            plan.refuse_useless(settings.heuristics_max_execs, remarks);
        }
        Ok(plan)
    }

    /// Without commands, or with too many, the heuristics are off.
    fn refuse_useless(&mut self, most: u64, remarks: &mut Vec<Notice>) {
        let found = self.commands.len();
        if found == 0 {
            remarks.push(Notice::NoHeuristicsExecs);
        } else if found as u64 > most {
            remarks.push(Notice::TooManyHeuristicsExecs { found, most });
        } else {
            return;
        }
        self.mode = HeuristicsMode::Off;
        self.commands.clear();
    }

    /// How long a run may take, while corosync forms a membership or not.
    pub(super) const fn timeout_of_run(&self, forming: bool) -> Millis {
        if forming {
            self.sync_timeout
        } else {
            self.timeout
        }
    }
}

/// How long votequorum keeps a vote without a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PollTimeouts {
    /// Normally: `quorum.device.timeout`.
    pub normal: Millis,
    /// While a membership is formed: `quorum.device.sync_timeout`.
    pub sync: Millis,
}

/// A length of time in a string key below `quorum.device.`; the default is not checked.
fn millis(
    cmap: &CmapSnapshot,
    name: &'static str,
    (min, max): (Millis, Millis),
    default: Millis,
) -> Result<Millis, ConfigFault> {
    match cmap.text(&format!("quorum.device.{name}")) {
        None => Ok(default),
        Some(text) => in_range(&text, min, max).ok_or(ConfigFault::OutOfRange {
            key: name,
            min,
            max,
        }),
    }
}

/// The number in `text`, when it lies between `min` and `max`.
pub(super) fn in_range(text: &str, min: Millis, max: Millis) -> Option<Millis> {
    let value = Millis(u32::try_from(number(text, 10)?).ok()?);
    (min..=max).contains(&value).then_some(value)
}

fn mode(cmap: &CmapSnapshot) -> Result<HeuristicsMode, ConfigFault> {
    const KEY: &str = "quorum.device.heuristics.mode";
    let Some(text) = cmap.text(KEY) else {
        return Ok(HeuristicsMode::Off);
    };
    match bool_word(&text) {
        Some(true) => Ok(HeuristicsMode::On),
        Some(false) => Ok(HeuristicsMode::Off),
        None if text.eq_ignore_ascii_case("sync") => Ok(HeuristicsMode::Sync),
        None => Err(ConfigFault::NotValid(KEY)),
    }
}

/// The `exec_NAME` keys; those that cannot be used are left out and named.
fn commands(cmap: &CmapSnapshot, remarks: &mut Vec<Notice>) -> BTreeMap<String, Vec<u8>> {
    const PREFIX: &str = "quorum.device.heuristics.exec_";
    let mut commands = BTreeMap::new();
    for (key, value) in cmap.starting_with(PREFIX) {
        let name = &key[PREFIX.len()..];
        if let CmapValue::Str(command) = value {
            if name.is_empty() || name.contains('.') {
                remarks.push(Notice::BadExecName {
                    key: key.to_owned(),
                });
            } else {
                if split_command(command).is_empty() {
                    remarks.push(Notice::EmptyExec {
                        key: key.to_owned(),
                    });
                }
                commands.insert(name.to_owned(), command.clone());
            }
        } else {
            remarks.push(Notice::ExecNotText {
                key: key.to_owned(),
            });
        }
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUTS: PollTimeouts = PollTimeouts {
        normal: Millis(10_000),
        sync: Millis(30_000),
    };

    fn plan(keys: &[(&str, CmapValue)]) -> (Result<HeuristicsPlan, ConfigFault>, Vec<String>) {
        let cmap = keys
            .iter()
            .map(|(key, value)| (format!("quorum.device.heuristics.{key}"), value.clone()))
            .collect();
        let mut remarks = Vec::new();
        let settings = QdeviceSettings::default();
        let plan = HeuristicsPlan::from_cmap(&cmap, &settings, TIMEOUTS, &mut remarks);
        (plan, remarks.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn without_keys_heuristics_are_off_and_times_follow_the_poll_timeouts() {
        let (plan, remarks) = plan(&[]);
        let plan = plan.unwrap();
        assert_eq!(plan.mode, HeuristicsMode::Off);
        assert_eq!(plan.timeout, Millis(5_000));
        assert_eq!(plan.sync_timeout, Millis(15_000));
        assert_eq!(plan.interval, Millis(30_000));
        assert!(remarks.is_empty());
    }

    #[test]
    fn the_mode_is_a_yes_or_no_or_sync_in_any_case() {
        let mode = |text: &str| {
            plan(&[("mode", text.into()), ("exec_a", "/bin/true".into())])
                .0
                .map(|plan| plan.mode)
        };
        assert_eq!(mode("ON"), Ok(HeuristicsMode::On));
        assert_eq!(mode("Sync"), Ok(HeuristicsMode::Sync));
        assert_eq!(mode("no"), Ok(HeuristicsMode::Off));
        assert_eq!(
            mode("maybe").unwrap_err().to_string(),
            "quorum.device.heuristics.mode value is not valid."
        );
    }

    #[test]
    fn a_mode_without_commands_is_off_and_says_so() {
        let (plan, remarks) = plan(&[("mode", "on".into())]);
        assert_eq!(plan.unwrap().mode, HeuristicsMode::Off);
        assert_eq!(
            remarks,
            ["No valid heuristics execs defined. Disabling heuristics."]
        );
    }

    #[test]
    fn too_many_commands_switch_heuristics_off() {
        let mut keys: Vec<(String, CmapValue)> = (0..33)
            .map(|n| (format!("exec_{n}"), "/bin/true".into()))
            .collect();
        keys.push(("mode".into(), "sync".into()));
        let keys: Vec<(&str, CmapValue)> = keys
            .iter()
            .map(|(key, value)| (key.as_str(), value.clone()))
            .collect();
        let (plan, remarks) = plan(&keys);
        assert_eq!(plan.unwrap().mode, HeuristicsMode::Off);
        let text = "Too much (33) heuristics execs defined (max is 32). Disabling heuristics.";
        assert_eq!(remarks, [text]);
    }

    #[test]
    fn commands_that_cannot_be_used_are_named_and_ignored() {
        let (plan, remarks) = plan(&[
            ("mode", "on".into()),
            ("exec_", "/bin/a".into()),
            ("exec_a.b", "/bin/b".into()),
            ("exec_n", CmapValue::U32(1)),
            ("exec_ok", "/bin/ok".into()),
        ]);
        assert_eq!(
            plan.unwrap().commands.into_keys().collect::<Vec<_>>(),
            ["ok"]
        );
        let key = |name| format!("quorum.device.heuristics.{name} key is not");
        assert_eq!(
            remarks,
            [
                format!("{} correct heuristics exec name. Ignoring", key("exec_")),
                format!("{} correct heuristics exec name. Ignoring", key("exec_a.b")),
                format!("{} of string type. Ignoring", key("exec_n")),
            ]
        );
    }

    #[test]
    fn a_command_of_blanks_stays_and_is_named_since_it_fails_every_time() {
        let (plan, remarks) = plan(&[("mode", "on".into()), ("exec_a", " \t".into())]);
        assert_eq!(plan.unwrap().mode, HeuristicsMode::On);
        let text = "quorum.device.heuristics.exec_a is empty. It fails in every run.";
        assert_eq!(remarks, [text]);
    }

    #[test]
    fn times_have_ranges_and_errors_name_them() {
        let text = |key, value: &str| {
            plan(&[(key, value.into())])
                .0
                .map(|_| ())
                .map_err(|fault| fault.to_string())
        };
        assert_eq!(text("timeout", "1000"), Ok(()));
        assert_eq!(text("sync_timeout", " 120000"), Ok(()));
        assert_eq!(text("interval", "3600000"), Ok(()));
        let short = |key| {
            Err(format!(
                "heuristics.{key} must be valid number in range <1000,120000>"
            ))
        };
        assert_eq!(text("timeout", "999"), short("timeout"));
        assert_eq!(text("sync_timeout", "120001"), short("sync_timeout"));
        assert_eq!(text("sync_timeout", "5s"), short("sync_timeout"));
        assert_eq!(
            text("interval", ""),
            Err("heuristics.interval must be valid number in range <1000,3600000>".to_owned())
        );
    }
}
