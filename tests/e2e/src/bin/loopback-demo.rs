//! The main job, shown without root and without corosync: two nodes get the vote of an arbiter, are
//! split, and are healed.
//!
//! The program plays all parts: `loopback-demo qnetd …` is our arbiter, `loopback-demo node …` a node;
//! `loopback-demo qnetd-tool …` and `loopback-demo qdevice-tool …` are their tools.

use anyhow::{Context, Result, ensure};
use e2e::report::What;
use e2e::stage::{LEFT, News, Programs, RIGHT, Stage, Standing, TOGETHER};
use libqdevice::base::{Millis, RingId, Time};
use libqdevice::io::clock;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::Sender;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    match args.get(1).and_then(|part| part.to_str()) {
        Some("qnetd") => qnetd::main(args.into_iter().skip(1)),
        Some("qnetd-tool") => tools::QNETD_TOOL.run(args.into_iter().skip(1)),
        Some("qdevice-tool") => tools::QDEVICE_TOOL.run(args.into_iter().skip(1)),
        Some("node") => e2e::node::main(args.into_iter().skip(1)),
        _ => match show() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("\n{error:#}");
                ExitCode::FAILURE
            }
        },
    }
}

const INTRODUCTION: &str = "\
Two nodes and an arbiter on this machine, on the loopback interface. corosync-qnetd and
corosync-qdevice are the real programs; corosync is played by a stand-in that follows its
rules: each node has one vote, the arbiter a third, and a partition serves with two.";

fn show() -> Result<()> {
    println!("{INTRODUCTION}");
    let this = std::env::current_exe()?;
    let part = |name: &str| vec![this.clone(), PathBuf::from(name)];
    let programs = Programs {
        arbiter: part("qnetd"),
        node: part("node"),
        timeout: Some(TIMEOUT.0),
    };
    let stage = Stage::new(programs)?;
    interrupt(stage.sender())?;
    let mut demo = Demo {
        stage,
        start: clock::now(),
        shown: String::new(),
    };
    demo.start()?;
    demo.split()?;
    demo.heal()?;
    demo.lose_the_arbiter()?;
    demo.stop_the_holder()?;
    drop(demo);
    println!("\nEverything is taken down again.");
    Ok(())
}

/// `quorum.device.timeout` of the nodes: shorter than usual, so that nobody has to wait long.
const TIMEOUT: Millis = Millis(4_000);

const HEALED: RingId = RingId::new(1, 12);
const LEFT_AGAIN: RingId = RingId::new(1, 16);
const RIGHT_AGAIN: RingId = RingId::new(2, 16);

struct Demo {
    stage: Stage,
    start: Time,
    /// The last row, so that only changes are shown.
    shown: String,
}

impl Demo {
    fn start(&mut self) -> Result<()> {
        self.title("1. The cluster starts");
        self.stage.start_arbiter()?;
        for node in [1, 2] {
            self.stage.start_node(node, &[1, 2], &[])?;
            self.stage.order(node, "ring 1/4 sees 1 2")?;
        }
        self.until("both nodes have the vote", |stage| {
            serves(stage, 1, TOGETHER) && serves(stage, 2, TOGETHER)
        })?;
        println!("Three votes of three: both nodes and the arbiter.");
        Ok(())
    }

    fn split(&mut self) -> Result<()> {
        self.title("2. The network between the nodes is cut; both still reach the arbiter");
        self.cut("8")?;
        self.until("one half has the vote", |stage| {
            serves(stage, 1, LEFT) && stage.standing(2).quorate == Some(false)
        })?;
        ensure!(!casts(&self.stage, 2), "both halves have the vote");
        let apart = self.between((2, What::CastAgainst(RIGHT)), (1, What::CastFor(LEFT)))?;
        println!(
            "Node 1 keeps the vote and serves, node 2 is stopped. The arbiter gave the vote only\n\
             after node 2 had confirmed that it does without, {apart:.1} ms before."
        );
        let list = self.stage.ask_arbiter("list")?;
        println!("\nWhat corosync-qnetd-tool -l says now:");
        for line in list.lines().filter(|line| !line.is_empty()) {
            println!("    {line}");
        }
        Ok(())
    }

    fn heal(&mut self) -> Result<()> {
        self.title("3. The cut is healed");
        for node in [1, 2] {
            self.stage.order(node, "ring 1/12 sees 1 2")?;
        }
        self.until("both nodes have the vote", |stage| {
            serves(stage, 1, HEALED) && serves(stage, 2, HEALED)
        })?;
        println!("Three votes of three.");
        Ok(())
    }

    fn lose_the_arbiter(&mut self) -> Result<()> {
        self.title("4. The arbiter is killed");
        self.stage.kill_arbiter()?;
        self.until("both nodes do without", |stage| {
            !casts(stage, 1) && !casts(stage, 2)
        })?;
        println!(
            "Nobody has the arbiter's vote; two of three are enough as long as both are there.",
        );
        self.title("5. The arbiter is started again");
        self.stage.start_arbiter()?;
        self.until("both nodes have the vote", |stage| {
            serves(stage, 1, HEALED) && serves(stage, 2, HEALED)
        })?;
        println!("The nodes came back by themselves.");
        Ok(())
    }

    fn stop_the_holder(&mut self) -> Result<()> {
        self.title("6. Cut again, and the administrator stops corosync-qdevice on node 1");
        self.cut("16")?;
        self.until("one half has the vote", |stage| {
            serves(stage, 1, LEFT_AGAIN) && stage.standing(2).quorate == Some(false)
        })?;
        self.stage.ask(1, "shutdown")?;
        self.until("the other half has the vote", |stage| {
            stage.status(1).is_some() && serves(stage, 2, RIGHT_AGAIN)
        })?;
        let status = self.stage.end_of(1)?;
        ensure!(status.success(), "the daemon of node 1 ended with {status}");
        let withdrawn = (1, What::CastAgainst(LEFT_AGAIN));
        let apart = self.between(withdrawn, (2, What::CastFor(RIGHT_AGAIN)))?;
        println!("Node 1 withdrew its vote {apart:.1} ms before node 2 got it: never two at once.");
        Ok(())
    }

    fn cut(&mut self, seq: &str) -> Result<()> {
        self.stage.order(1, &format!("ring 1/{seq} sees 1"))?;
        self.stage.order(2, &format!("ring 2/{seq} sees 2"))
    }

    fn title(&mut self, text: &str) {
        println!("\n{text}");
        self.shown.clear();
    }

    /// Shows what changes until `done`.
    fn until(&mut self, what: &str, done: impl Fn(&Stage) -> bool) -> Result<()> {
        let end = clock::now().after(PATIENCE);
        while !done(&self.stage) {
            let news = self.stage.follow(end)?;
            let logs = || format!("waited in vain until {what}\n{}", self.stage.logs());
            news.with_context(logs)?;
            self.row();
        }
        Ok(())
    }

    fn row(&mut self) {
        let cells = [1, 2].map(|node| format!("node {node}: {:<26}", cell(&self.stage, node)));
        let row = cells.concat();
        if row != self.shown {
            println!("  {:7.3} s   {}", self.seconds(), row.trim_end());
            self.shown = row;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds of a demo")]
    fn seconds(&self) -> f64 {
        clock::now().since(self.start) as f64 / 1_000.0
    }

    /// Milliseconds from the last time of one report to the first of another one.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a demo")]
    fn between(&self, before: (u32, What), after: (u32, What)) -> Result<f64> {
        let at = |(node, what): (u32, What)| {
            let mut all = self
                .stage
                .history()
                .iter()
                .filter(move |(id, _)| *id == node);
            let found = all.find(|(_, report)| report.what == what);
            found.map(|(_, report)| report.micros)
        };
        let (before, after) = (
            at(before).context("not seen")?,
            at(after).context("not seen")?,
        );
        ensure!(before < after, "the vote was given before it was withdrawn");
        Ok((after - before) as f64 / 1_000.0)
    }
}

/// No step takes longer.
const PATIENCE: Millis = Millis(30_000);

fn serves(stage: &Stage, node: u32, ring: RingId) -> bool {
    stage.standing(node).serves_with_vote(ring)
}

fn casts(stage: &Stage, node: u32) -> bool {
    stage.standing(node).cast.is_some_and(|(_, vote)| vote)
}

fn cell(stage: &Stage, node: u32) -> String {
    if stage.status(node).is_some() {
        return "daemon stopped".to_owned();
    }
    let Standing {
        cast,
        quorate,
        ring,
    } = stage.standing(node);
    // A vote cast for another ring counts no more.
    let vote = match cast {
        Some((cast_for, true)) if Some(cast_for) == ring => "has the vote",
        Some((cast_for, false)) if Some(cast_for) == ring => "no vote",
        Some(_) | None => "asks",
    };
    match quorate {
        Some(true) => format!("{vote}, serves"),
        Some(false) => format!("{vote}, blocked"),
        None => vote.to_owned(),
    }
}

/// Ctrl-C ends the demo in an orderly way, so that it leaves nothing behind.
fn interrupt(news: Sender<News>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::spawn(move || {
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            // Nobody is left to be interrupted when this fails.
            let _ = news.send(News::Interrupted);
        }
    });
    Ok(())
}
