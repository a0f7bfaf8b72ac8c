//! `--list`.

use crate::command_line::Form;
use crate::entry::{Entry, Place, Standing, date};
use crate::failure::Failure;
use crate::surroundings::Surroundings;
use crate::survey;
use chrono::Utc;
use libqdevice::certs::{Phase, Role, Side, renewal_command};
use serde::Serialize;

/// Shows every certificate of this host.
pub(crate) fn list(
    surroundings: &mut Surroundings<'_>,
    side: Side,
    form: Form,
) -> Result<(), Failure> {
    let dir = surroundings.database(side);
    let now = Utc::now();
    let entries = survey::certificates(&dir, side, now)?;
    match form {
        Form::Text => {
            let blocks: Vec<String> = entries.iter().map(|entry| block(entry, side)).collect();
            surroundings.say(blocks.join("\n\n"));
        }
        Form::Json => {
            let certificates = entries.iter();
            surroundings.say_json(&List {
                schema: SCHEMA,
                side: side_name(side),
                database: dir.display().to_string(),
                certificates: certificates
                    .map(|entry| Certificate::of(entry, (entry.description.end - now).num_days()))
                    .collect(),
            });
        }
    }
    Ok(())
}

/// Fields are added without a new number; one that changes or goes makes a new one.
pub(crate) const SCHEMA: u32 = 1;

pub(crate) const fn side_name(side: Side) -> &'static str {
    match side {
        Side::Server => "server",
        Side::Node => "node",
    }
}

#[derive(Serialize)]
struct List {
    schema: u32,
    side: &'static str,
    database: String,
    certificates: Vec<Certificate>,
}

#[derive(Serialize)]
struct Certificate {
    role: &'static str,
    clusters: Vec<String>,
    nickname: Option<String>,
    file: Option<String>,
    subject: String,
    issuer: String,
    serial: String,
    issued: String,
    expires: String,
    days_left: i64,
    key_type: String,
    key_bits: u32,
    private_key: Option<bool>,
    in_use: bool,
    replaced: bool,
    state: &'static str,
    fingerprint: String,
}

impl Certificate {
    fn of(entry: &Entry, days_left: i64) -> Self {
        let (nickname, file) = match &entry.place {
            Place::Database(nickname) => (Some(nickname.clone()), None),
            Place::File(file) => (None, Some(file.clone())),
        };
        let told = entry.description.clone();
        Self {
            role: role_name(entry.role),
            clusters: entry.clusters.clone(),
            nickname,
            file,
            subject: told.subject,
            issuer: told.issuer,
            serial: told.serial,
            issued: date(told.begin),
            expires: date(told.end),
            days_left,
            key_type: told.key_type,
            key_bits: told.key_bits,
            private_key: entry.has_key,
            in_use: entry.in_use,
            replaced: entry.is_replaced(),
            state: match entry.standing {
                Standing::Revoked => "revoked",
                Standing::Dated(Phase::Good) => "valid",
                Standing::Dated(Phase::Ending(_)) => "ending",
                Standing::Dated(Phase::Ended) => "ended",
                Standing::Dated(Phase::Early) => "early",
            },
            fingerprint: entry.fingerprint.to_string(),
        }
    }
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Authority => "authority",
        Role::Server => "server",
        Role::Cluster => "cluster",
    }
}

/// A certificate for people.
fn block(entry: &Entry, side: Side) -> String {
    let told = &entry.description;
    let mut lines = vec![match &entry.place {
        Place::Database(nickname) => nickname.escape_debug().to_string(),
        Place::File(file) => file.escape_debug().to_string(),
    }];
    let mut line = |name: &str, value: &str| lines.push(format!("  {name:<13}{value}"));
    line("Role:", role_name(entry.role));
    if entry.role == Role::Cluster {
        line("Cluster:", &entry.cluster());
    }
    line("Subject:", &told.subject);
    line("Issuer:", &told.issuer);
    line("Serial:", &told.serial);
    line("Issued:", &date(told.begin));
    line("Expires:", &date(told.end));
    line(
        "Key:",
        &format!("{}, {} bits", told.key_type, told.key_bits),
    );
    match entry.has_key {
        Some(true) => line("Private key:", "here"),
        Some(false) => line("Private key:", "not here"),
        None => {}
    }
    line("Fingerprint:", &entry.fingerprint.to_string());
    line("State:", &state(entry, side));
    lines.join("\n")
}

fn state(entry: &Entry, side: Side) -> String {
    let mut words = Vec::new();
    if entry.in_use {
        words.push("used by the daemon".to_owned());
    }
    if entry.is_replaced() {
        words.push("replaced".to_owned());
    }
    words.push(match (entry.standing, entry.dates()) {
        (Standing::Revoked, _) => "revoked".to_owned(),
        (Standing::Dated(_), None) => "valid".to_owned(),
        (Standing::Dated(_), Some(dates)) if entry.is_replaced() => dates,
        (Standing::Dated(_), Some(dates)) => match renewal(entry, side) {
            Some(command) => format!("WARNING: {dates}. Run: {command}"),
            None => format!("WARNING: {dates}"),
        },
    });
    words.join(", ")
}

/// The command that renews a certificate whose end has come or is near.
pub(crate) fn renewal(entry: &Entry, side: Side) -> Option<String> {
    if !matches!(
        entry.standing,
        Standing::Dated(Phase::Ending(_) | Phase::Ended)
    ) {
        return None;
    }
    let cluster = entry.clusters.first().map_or("NAME", String::as_str);
    Some(renewal_command(entry.role, side, cluster))
}
