//! Two thousand worlds. `cargo run --profile campaign -p sim -- --worlds 100000` plays more.

use sim::{Plan, play_all};

#[test]
fn two_thousand_worlds_keep_every_rule() {
    let findings = play_all(0..2_000, 2, Plan::of_seed);
    let failures: Vec<String> = findings
        .failures
        .iter()
        .map(|failure| format!("seed {}: {}", failure.plan.seed, failure.violation))
        .collect();
    assert!(
        failures.is_empty(),
        "see what happens with cargo run -p sim -- --seed N:\n{}",
        failures.join("\n")
    );
}
