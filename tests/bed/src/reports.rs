//! What our tools tell in JSON and in metrics, checked in whatever state a bed is.

use crate::bed::Bed;
use crate::process::Finished;
use crate::program::Side;
use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::Value;
use witness::openmetrics;
use witness::schema::Schema;

/// Checks what every running daemon of ours tells.
pub fn check(bed: &Bed) -> Result<()> {
    if bed.pairing().qnetd == Side::Ours && bed.qnetd().is_ok() {
        of_qnetd(bed)?;
    }
    for id in bed.ids() {
        if bed.pairing().qdevice == Side::Ours && bed.node(id)?.qdevice().is_ok() {
            of_qdevice(bed, id)?;
        }
    }
    Ok(())
}

/// Checks what our tool makes of qnetd, whoever wrote it and whether it runs or not.
pub fn of_qnetd(bed: &Bed) -> Result<()> {
    let run = |args: &[&str]| bed.qnetd_tool(Side::Ours, args);
    let tool = Tool("corosync-qnetd-tool", &run);
    match tool.state(bed.pairing().qnetd)? {
        State::Down => tool.is_refused(&["-s", "-l"], 3),
        State::OfC => {
            tool.metrics("corosync_qnetd_up", 1)?;
            let about_bed = [
                "--history -c bed",
                "--explain -c bed",
                "--what-if 1/2 -c bed",
            ];
            tool.is_refused(&["-s", "-l"], 4)?;
            tool.is_refused(&about_bed, 4)
        }
        State::Ours => {
            tool.json("-s")?;
            let list = tool.json("-l")?;
            for cluster in list["clusters"].as_array().into_iter().flatten() {
                let name = cluster["name"].as_str().context("a cluster has a name")?;
                tool.json(&format!("--history -c {name}"))?;
                let nodes = cluster["nodes"].as_array().into_iter().flatten();
                let nodes: Vec<String> = nodes.map(|node| node["id"].to_string()).collect();
                tool.json(&format!("--what-if {} -c {name}", nodes.join("/")))?;
            }
            tool.metrics("corosync_qnetd_up", 1)
        }
    }
    .context(tool.0)
}

/// Checks what our tool makes of the qdevice of a node, whoever wrote it and whether it runs or not.
pub fn of_qdevice(bed: &Bed, id: u32) -> Result<()> {
    let run = |args: &[&str]| bed.qdevice_tool(id, Side::Ours, args);
    let tool = Tool("corosync-qdevice-tool", &run);
    match tool.state(bed.pairing().qdevice)? {
        State::Down => tool.is_refused(&["-s", "--heuristics"], 3),
        State::OfC => {
            tool.metrics("corosync_qdevice_up", 1)?;
            tool.is_refused(&["-s", "--history"], 4)
        }
        State::Ours => {
            tool.json("-s")?;
            tool.json("--heuristics")?;
            if bed.node(id)?.corosync().is_ok() {
                tool.json("--quorum")?;
            }
            tool.metrics("corosync_qdevice_up", 1)
        }
    }
    .with_context(|| format!("node {id}: {}", tool.0))
}

/// A report that follows the description.
pub fn described(text: &str) -> Result<Value> {
    let report = serde_json::from_str(text).with_context(|| text.to_owned())?;
    let fits = Schema::ours().check(&report);
    fits.map_err(|why| anyhow!("{why} in {text}"))?;
    Ok(report)
}

/// A tool of ours where its daemon may be.
struct Tool<'a>(&'static str, &'a dyn Fn(&[&str]) -> Result<Finished>);

/// What a tool finds.
enum State {
    Down,
    OfC,
    Ours,
}

impl Tool<'_> {
    fn state(&self, side: Side) -> Result<State> {
        let code = self.run("-s")?.code;
        match (code, side) {
            (Some(3), _) => {
                let up = self.0.replace("-tool", "_up").replace('-', "_");
                self.metrics(&up, 0)?;
                Ok(State::Down)
            }
            (Some(0), Side::C) => Ok(State::OfC),
            (Some(0), Side::Ours) => Ok(State::Ours),
            _ => Err(anyhow!("{} -s ends with {code:?}", self.0)),
        }
    }

    fn run(&self, words: &str) -> Result<Finished> {
        let words: Vec<&str> = words.split(' ').collect();
        (self.1)(&words)
    }

    /// The answer to a question, which follows the description.
    fn json(&self, question: &str) -> Result<Value> {
        let shown = self.run(&format!("{question} --json"))?;
        let text = shown.success(question)?;
        described(&text).with_context(|| question.to_owned())
    }

    /// Every question gets one line of complaint, and no answer.
    fn is_refused(&self, questions: &[&str], code: i32) -> Result<()> {
        for question in questions {
            let shown = self.run(&format!("{question} --json"))?;
            let is_line = shown.stderr.lines().count() == 1 && shown.stdout.is_empty();
            let says_why = code != 4 || shown.stderr.contains(": This daemon has no JSON: ");
            let refused = shown.code == Some(code) && is_line && says_why;
            ensure!(refused, "{question} --json is answered by {shown:?}");
        }
        Ok(())
    }

    /// The metrics are well-formed, and one of them has this value.
    fn metrics(&self, name: &str, value: i32) -> Result<()> {
        let text = self.run("--metrics")?.success("--metrics")?;
        let samples = openmetrics::read(&text).map_err(|why| anyhow!("--metrics: {why}"))?;
        let found = samples.get(name).copied();
        ensure!(found == Some(f64::from(value)), "{name} is {found:?}");
        Ok(())
    }
}
