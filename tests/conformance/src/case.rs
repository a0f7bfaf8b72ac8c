use crate::script::{Dialect, Script};

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// A short name, for filters and reports.
    pub name: &'static str,
    /// The rule of the protocol, by the number under which the specification has it.
    pub rule: &'static str,
    /// What the case shows, in one sentence.
    pub shows: &'static str,
    /// Options with which the server has to be started.
    pub server: &'static [&'static str],
    script: fn(&mut Script),
}

impl Case {
    /// A case for a server with default settings.
    #[must_use]
    pub const fn new(
        name: &'static str,
        rule: &'static str,
        shows: &'static str,
        script: fn(&mut Script),
    ) -> Self {
        Self {
            name,
            rule,
            shows,
            server: &[],
            script,
        }
    }

    /// The same, for a server that was started with these options.
    #[must_use]
    pub const fn with_server(self, server: &'static [&'static str]) -> Self {
        Self { server, ..self }
    }

    /// The dialogue as it goes with this kind of server.
    ///
    /// Every case has a cluster of its own, named like the case, so that all can share a server.
    #[must_use]
    pub fn script(&self, dialect: Dialect) -> Script {
        let mut script = Script::new(self.name, dialect);
        (self.script)(&mut script);
        script
    }

    /// Whether name or rule contains `text`.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.name.contains(text) || self.rule.split(' ').any(|rule| rule == text)
    }
}
