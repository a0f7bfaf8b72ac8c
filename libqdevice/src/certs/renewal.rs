use super::Side;

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It signs the others.
    Authority,
    /// The server shows it.
    Server,
    /// The nodes of a cluster show it.
    Cluster,
}

/// What an administrator of a host of this side runs when the end of a certificate is near or past;
/// `cluster` is the name in a [`Role::Cluster`] one.
#[must_use]
pub fn renewal_command(role: Role, side: Side, cluster: &str) -> String {
    match (role, side) {
        (Role::Cluster, Side::Server) => {
            format!("corosync-qnetd-certutil --renew -n {}", shell_word(cluster))
        }
        (Role::Server, Side::Server) => "corosync-qnetd-certutil --renew".to_owned(),
        (Role::Authority, Side::Server) => {
            let dir = side.default_dir().display();
            format!(
                "mv {dir} {dir}.old, then corosync-qnetd-certutil -i, and enrol each cluster again"
            )
        }
        (Role::Authority, Side::Node) => {
            "corosync-qnetd-certutil --check (on the server)".to_owned()
        }
        (Role::Cluster | Role::Server, Side::Node) => {
            let there = renewal_command(role, Side::Server, cluster);
            format!("{there} (on the server)")
        }
    }
}

/// A word of a command that people copy: as it is, or in quotes where a shell would take it for more.
#[must_use]
pub fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_copied_whatever_the_cluster_is_called() {
        let of = |name| renewal_command(Role::Cluster, Side::Node, name);
        assert_eq!(
            of("c-1"),
            "corosync-qnetd-certutil --renew -n c-1 (on the server)"
        );
        assert_eq!(
            of("it's; mine"),
            r"corosync-qnetd-certutil --renew -n 'it'\''s; mine' (on the server)"
        );
        assert_eq!(shell_word(""), "''");
    }
}
