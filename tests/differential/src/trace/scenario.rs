use super::Step;
use std::fmt;
use std::str::FromStr;

/// How the servers are started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flavour {
    /// As they come.
    Plain,
    /// An active half keeps the vote, unless a client says otherwise.
    KeepActive,
    /// Small limits for messages of both directions.
    Small,
    /// Few clients.
    Crowded,
}

impl Flavour {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Plain, Self::KeepActive, Self::Small, Self::Crowded];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::KeepActive => "keep-active",
            Self::Small => "small",
            Self::Crowded => "crowded",
        }
    }

    /// What the command line says.
    #[must_use]
    pub const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Plain => &[],
            Self::KeepActive => &["-S", "keep_active_partition_tie_breaker=on"],
            Self::Small => &["-S", "max_client_receive_size=400,max_client_send_size=250"],
            Self::Crowded => &["-m", "6"],
        }
    }

    /// Longest message a client may send.
    #[must_use]
    pub const fn receive_limit(self) -> usize {
        match self {
            Self::Small => 400,
            Self::Plain | Self::KeepActive | Self::Crowded => 32_768,
        }
    }

    /// Longest message a client gets; a longer answer ends the connection.
    #[must_use]
    pub const fn send_limit(self) -> usize {
        match self {
            Self::Small => 250,
            Self::Plain | Self::KeepActive | Self::Crowded => 32_768,
        }
    }
}

/// What is played to both servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// The number it was made from, for reports.
    pub seed: u64,
    /// How the servers are started.
    pub flavour: Flavour,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# seed {}", self.seed)?;
        writeln!(f, "servers {}", self.flavour.word())?;
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

impl FromStr for Scenario {
    type Err = String;

    /// Empty lines and lines that start with `#` say nothing.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut scenario = Self {
            seed: 0,
            flavour: Flavour::Plain,
            steps: Vec::new(),
        };
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(word) = line.strip_prefix("servers ") {
                let known = Flavour::ALL.into_iter().find(|one| one.word() == word);
                scenario.flavour = known.ok_or_else(|| format!("no servers '{word}'"))?;
                continue;
            }
            let step = line
                .parse()
                .map_err(|why| format!("line {}: {why}", number + 1))?;
            scenario.steps.push(step);
        }
        Ok(scenario)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_survives_being_written_and_read_back() {
        let text = "# seed 0\nservers small\nconnect A1\nA1: echo seq=1\nsettle\n";
        let scenario: Scenario = text.parse().unwrap();
        assert_eq!(scenario.to_string(), text);
    }
}
