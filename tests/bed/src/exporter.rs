//! What `ha_cluster_exporter` reads about a node: corosync's own text, in which the vote of qdevice shows up.

use crate::bed::Bed;
use anyhow::{Result, ensure};

/// Checks that its patterns find this in what `corosync-quorumtool` prints on a node.
///
/// `votes` are the expected, highest expected and total votes and the quorum; of `members` it finds id, votes,
/// flags of qdevice and name.
pub fn check(bed: &Bed, id: u32, votes: &str, members: &[&str]) -> Result<()> {
    let host = bed.node(id)?.host();
    // It goes on after an error of the tool, which has a code of its own for a node without quorum.
    let text = host.run("corosync-quorumtool", &["-p"])?.stdout;
    let found = host.succeed("python3", &["-c", SCRIPT, &text])?;
    let expected = format!("Yes\n{votes}\n{}\n", members.join("\n"));
    ensure!(
        found == expected,
        "{found}\ninstead of\n{expected}\nin\n{text}"
    );
    Ok(())
}

/// Go's and Python's patterns mean the same here. [`ha_cluster_exporter`: collector/corosync/parser.go]
const SCRIPT: &str = r#"
import re, sys
text = sys.argv[1]
print(re.search(r"(?m)Quorate:\s+(Yes|No)", text).group(1))
votes = r"(?m)Expected votes:\s+(\d+)\s+Highest expected:\s+(\d+)\s+Total votes:\s+(\d+)\s+Quorum:\s+(\d+)"
print(*re.search(votes, text).groups())
members = re.search(r"(?m)Membership information\n-+\s+Nodeid\s+Votes\s+Qdevice\s+Name\n+((?:.*\n?)+)", text).group(1)
line = r"(?m)(?P<node_id>\w+)\s+(?P<votes>\d+)\s+(?P<qdevice>(\w,?)+)?\s+(?P<name>[^\s]+)(?:\s(?P<local>\(local\)))?\n?"
for found in re.finditer(line, members):
    print(*found.group("node_id", "votes", "qdevice", "name"))
"#;
