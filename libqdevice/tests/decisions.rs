//! Runs the tables in `tests/decisions`, which say in words who gets the vote and when.
//!
//! The format is explained in `tests/decisions/README.md`. Whatever a table does not mention is checked
//! against the protocol: votes are numbered from 1 per connection, name the ring that their receiver
//! reported last, and come before the answer.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

use libqdevice::base::{
    Algorithm, Heuristics, KeepActivePartition, Millis, NodeId, NodeList, Quorate, RingId,
    TieBreaker, Time, Vote,
};
use libqdevice::server::{Action, Event, Notice, PeerId, Server, ServerConfig};
use libqdevice::vote::Finding;
use libqdevice::wire::{
    Echo, HeuristicsReport, Init, LeaseNews, Message, NodeListKind, NodeListReport, Options, Plain,
    PreInit, algorithm_number,
};
use std::collections::BTreeMap;
use std::path::Path;

#[test]
fn every_table_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/decisions");
    let mut cases = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            cases += run_table(&path);
        }
    }
    assert!(cases > 40, "only {cases} cases found");
}

fn run_table(path: &Path) -> usize {
    let name = path.file_stem().unwrap().to_str().unwrap();
    let key = name.split('-').next().unwrap();
    let algorithm = Algorithm::ALL
        .into_iter()
        .find(|one| one.key() == key)
        .unwrap();
    let mut table = Table::new(algorithm);
    let mut cases = 0;
    for (number, line) in (1..).zip(std::fs::read_to_string(path).unwrap().lines()) {
        let line = line.split('#').next().unwrap().trim();
        if line.is_empty() {
            continue;
        }
        if line.starts_with("case ") {
            table = Table::new(algorithm);
            cases += 1;
            continue;
        }
        let (step, expected) = line
            .split_once("->")
            .map_or((line, None), |(step, expected)| (step, Some(expected)));
        let happened = table.step(step.trim());
        if let Some(expected) = expected {
            let expected = expected.trim();
            // The reason of a choice is compared only where a table names it.
            let happened = match happened.split_once("; by ") {
                Some((rest, _)) if !expected.contains("; by ") => rest,
                Some(_) | None => &happened,
            };
            assert_eq!(happened, expected, "{name}.txt line {number}: {line}");
        }
    }
    cases
}

/// One case: a server and the nodes of one cluster, by node id.
struct Table {
    server: Server,
    algorithm: Algorithm,
    tie_breaker: TieBreaker,
    keep: bool,
    configured: Vec<u32>,
    nodes: BTreeMap<u32, Node>,
    connections: u64,
    now: u64,
}

/// What a node knows of its connection.
struct Node {
    peer: PeerId,
    ring: RingId,
    /// Number of the last vote it was told.
    told: u32,
}

impl Table {
    fn new(algorithm: Algorithm) -> Self {
        Self {
            server: Server::new(ServerConfig::default()),
            algorithm,
            tie_breaker: TieBreaker::Lowest,
            keep: false,
            configured: Vec::new(),
            nodes: BTreeMap::new(),
            connections: 0,
            now: 0,
        }
    }

    /// Does what a line says and puts what happens into words.
    fn step(&mut self, step: &str) -> String {
        let words: Vec<&str> = step.split_whitespace().collect();
        match words[..] {
            ["cluster", ref options @ ..] => self.set_up(options),
            ["together", ring] => self.together(ring),
            ["join", ref ids @ ..] => ids.iter().for_each(|id| self.join(number(id))),
            ["keep", id, flag] => {
                let keep = if flag == "on" {
                    KeepActivePartition::Enabled
                } else {
                    KeepActivePartition::Disabled
                };
                self.send(id, |seq| {
                    Message::SetOption(Options {
                        seq,
                        keep_active_partition: Some(keep),
                        ..Options::default()
                    })
                });
            }
            ["config", id, ref ids @ ..] => {
                let ids = if ids.is_empty() {
                    self.configured.clone()
                } else {
                    numbers(ids)
                };
                return self.list(id, NodeListKind::InitialConfig, None, ids, &[]);
            }
            ["reconfig", id, ref ids @ ..] => {
                return self.list(id, NodeListKind::ChangedConfig, None, numbers(ids), &[]);
            }
            ["quorum", id, ref ids @ ..] => {
                return self.list(id, NodeListKind::Quorum, None, numbers(ids), &[]);
            }
            ["report", id, "ring", ring, "sees", ref rest @ ..] => {
                let split = rest.iter().position(|word| number_of(word).is_none());
                let (ids, heuristics) = rest.split_at(split.unwrap_or(rest.len()));
                let kind = NodeListKind::Membership;
                return self.list(id, kind, Some(ring_of(ring)), numbers(ids), heuristics);
            }
            ["heuristics", id, result] => {
                let heuristics = heuristics_of(&[result]);
                return self.send(id, |seq| {
                    Message::HeuristicsChange(HeuristicsReport { seq, heuristics })
                });
            }
            ["ask", id] => return self.send(id, |seq| Message::AskForVote(Plain { seq })),
            ["confirm", id] => return self.confirm(id, 0),
            ["confirm", id, "old"] => return self.confirm(id, 1),
            ["leave", id] => {
                self.send(id, |seq| {
                    Message::SetOption(Options {
                        seq,
                        lease: Some(LeaseNews::Goodbye),
                        ..Options::default()
                    })
                });
                return self.hang_up(id);
            }
            ["hang-up", id] => return self.hang_up(id),
            ["wait", millis] => return self.wait(millis.parse().unwrap()),
            ["granted"] => {
                let grants = self.server.grants(&"cluster".into());
                let ids: Vec<_> = grants.iter().map(|(id, _)| id.to_string()).collect();
                return or_nothing(ids.join(" "));
            }
            _ => panic!("cannot read: {step}"),
        }
        String::new()
    }

    /// `cluster 1 2 3 4 tie highest keep`
    fn set_up(&mut self, options: &[&str]) {
        let mut words = options.iter();
        while let Some(&word) = words.next() {
            match word {
                "keep" => self.keep = true,
                "tie" => {
                    self.tie_breaker = match *words.next().unwrap() {
                        "lowest" => TieBreaker::Lowest,
                        "highest" => TieBreaker::Highest,
                        id => TieBreaker::Node(NodeId(number(id))),
                    };
                }
                id => self.configured.push(number(id)),
            }
        }
    }

    /// All nodes are in one ring and have confirmed their votes.
    fn together(&mut self, ring: &str) {
        let all: Vec<String> = self.configured.iter().map(ToString::to_string).collect();
        for id in &all {
            self.join(number(id));
            self.step(&format!("config {id}"));
        }
        for id in &all {
            self.step(&format!("report {id} ring {ring} sees {}", all.join(" ")));
        }
        for id in &all {
            self.step(&format!("confirm {id}"));
        }
    }

    fn join(&mut self, id: u32) {
        self.connections += 1;
        let peer = PeerId(self.connections);
        let ring = RingId::new(id, 1);
        self.nodes.insert(
            id,
            Node {
                peer,
                ring,
                told: 0,
            },
        );
        self.handle(Event::Accepted {
            peer,
            address: String::new(),
        });
        let id = id.to_string();
        let cluster = Some("cluster".into());
        self.send(&id, |seq| Message::PreInit(PreInit { seq, cluster }));
        let (tie_breaker, algorithm) = (Some(self.tie_breaker), algorithm_number(self.algorithm));
        let node = Some(NodeId(number(&id)));
        let admitted = self.send(&id, |seq| {
            Message::Init(Init {
                seq,
                node,
                tie_breaker,
                algorithm: Some(algorithm),
                heartbeat: Some(Millis(8000)),
                ring: Some(ring),
                ..Init::default()
            })
        });
        assert_eq!(admitted, "admitted");
        if self.keep {
            self.step(&format!("keep {id} on"));
        }
    }

    fn list(
        &mut self,
        id: &str,
        kind: NodeListKind,
        ring: Option<RingId>,
        ids: Vec<u32>,
        heuristics: &[&str],
    ) -> String {
        if let Some(ring) = ring {
            self.nodes.get_mut(&number(id)).unwrap().ring = ring;
        }
        let (nodes, heuristics) = (NodeList::of_ids(ids), heuristics_of(heuristics));
        let quorate = Some(Quorate::Yes);
        self.send(id, |seq| {
            let kind = Some(kind);
            Message::NodeList(NodeListReport {
                seq,
                kind,
                ring,
                quorate,
                nodes,
                heuristics,
                config_version: None,
            })
        })
    }

    /// Confirms the last vote, or one told `ago` votes before.
    fn confirm(&mut self, id: &str, ago: u32) -> String {
        let seq = Some(self.nodes[&number(id)].told - ago);
        self.send(id, |_| Message::VoteInfoReply(Plain { seq }))
    }

    fn send(&mut self, id: &str, message: impl FnOnce(Option<u32>) -> Message) -> String {
        let peer = self.nodes[&number(id)].peer;
        self.handle(Event::Received {
            peer,
            message: Ok(message(Some(100))),
        })
    }

    fn hang_up(&mut self, id: &str) -> String {
        let node = self.nodes.remove(&number(id)).unwrap();
        self.handle(Event::Gone { peer: node.peer })
    }

    /// Lets time pass, in which all nodes that are connected are heard.
    fn wait(&mut self, millis: u64) -> String {
        self.now += millis;
        for node in self.nodes.values() {
            let mut out = Vec::new();
            let message = Ok(Message::EchoRequest(Echo::new(1)));
            let peer = node.peer;
            let event = Event::Received { peer, message };
            self.server
                .handle(Time::from_millis(self.now), event, &mut out);
        }
        let mut out = Vec::new();
        self.server
            .handle_timeout(Time::from_millis(self.now), &mut out);
        self.in_words(out)
    }

    fn handle(&mut self, event: Event) -> String {
        let mut out = Vec::new();
        self.server
            .handle(Time::from_millis(self.now), event, &mut out);
        self.in_words(out)
    }

    fn in_words(&mut self, out: Vec<Action>) -> String {
        let (mut told, mut answer, mut reason) = (Vec::new(), Vec::new(), Vec::new());
        for action in out {
            match action {
                Action::Send {
                    peer,
                    message: Message::VoteInfo(info),
                } => {
                    assert!(answer.is_empty(), "a vote is pushed before the answer");
                    let (&id, node) = self
                        .nodes
                        .iter_mut()
                        .find(|(_, node)| node.peer == peer)
                        .unwrap();
                    node.told += 1;
                    assert_eq!(info.seq, Some(node.told), "votes for {id} are numbered");
                    assert_eq!(info.ring, Some(node.ring), "a vote for {id} names its ring");
                    told.push(format!("{id} {}", word(info.vote.unwrap())));
                }
                Action::Send { message, .. } => answer.extend(self.answer(message)),
                Action::Tell(Notice::Judged {
                    finding: Finding::Partition { reason: why, .. },
                    ..
                }) => {
                    reason.push(format!("by {}", kebab(&format!("{why:?}"))));
                }
                Action::Tell(_) => {}
                Action::Close { .. } | Action::StartTls { .. } => panic!("{action:?}"),
            }
        }
        let told = if told.is_empty() {
            None
        } else {
            Some(format!("tell {}", told.join(", ")))
        };
        let parts: Vec<_> = told.into_iter().chain(answer).chain(reason).collect();
        or_nothing(parts.join("; "))
    }

    /// An answer in a word; the ring it names is the sender's.
    fn answer(&self, message: Message) -> Option<String> {
        let (vote, ring) = match message {
            Message::PreInitReply(_) | Message::SetOptionReply(_) => return None,
            Message::InitReply(reply) => {
                assert_eq!(reply.error, Some(0));
                return Some("admitted".to_owned());
            }
            Message::ServerError(error) => return Some(format!("error {}", error.error.unwrap())),
            Message::NodeListReply(reply) => (reply.vote, reply.ring),
            Message::HeuristicsChangeReply(reply) => (reply.vote, reply.ring),
            Message::AskForVoteReply(reply) => (reply.vote, reply.ring),
            other => panic!("{other:?}"),
        };
        assert!(
            self.nodes.values().any(|node| Some(node.ring) == ring),
            "{ring:?}"
        );
        Some(word(vote.unwrap()).to_owned())
    }
}

fn or_nothing(text: String) -> String {
    if text.is_empty() {
        "nothing".to_owned()
    } else {
        text
    }
}

/// `TieBreaker` as `tie-breaker`.
fn kebab(name: &str) -> String {
    let dashed = name.replace(char::is_uppercase, "-");
    let letters = dashed.chars().zip(name.chars());
    let spread = letters.map(|(dash, letter)| {
        let letter = letter.to_ascii_lowercase();
        if dash == '-' {
            format!("-{letter}")
        } else {
            letter.to_string()
        }
    });
    spread
        .collect::<String>()
        .trim_start_matches('-')
        .to_owned()
}

fn word(vote: Vote) -> &'static str {
    match vote {
        Vote::Ack => "ack",
        Vote::Nack => "nack",
        Vote::AskLater => "ask-later",
        Vote::WaitForReply => "wait",
        Vote::NoChange => "no-change",
    }
}

fn heuristics_of(words: &[&str]) -> Heuristics {
    match words {
        [] => Heuristics::Undefined,
        ["pass"] => Heuristics::Pass,
        ["fail"] => Heuristics::Fail,
        other => panic!("{other:?}"),
    }
}

fn ring_of(text: &str) -> RingId {
    let (node, seq) = text.split_once('/').unwrap();
    RingId::new(number(node), seq.parse().unwrap())
}

fn number_of(word: &str) -> Option<u32> {
    word.parse().ok()
}

fn number(word: &str) -> u32 {
    number_of(word).unwrap_or_else(|| panic!("no number: {word}"))
}

fn numbers(words: &[&str]) -> Vec<u32> {
    words.iter().map(|word| number(word)).collect()
}
