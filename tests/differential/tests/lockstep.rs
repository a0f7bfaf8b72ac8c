//! A few seeds of each algorithm, and the proof that a wrong server would be noticed.
//!
//! More seeds: `cargo run -p differential -- --algorithm all --seeds 0..2000 --malformed`.

use differential::bench::{Program, Tamper};
use differential::game::{Arena, Fault, Matching, Tally, shrink};
use differential::plan::{Malformed, Subject, scenario};
use libqdevice::base::Algorithm;

#[path = "../../servers.rs"]
mod servers;

/// The C server; `None`, with a word on it, where it is not installed.
fn theirs() -> Option<Program> {
    servers::theirs().and_then(|_| Program::theirs())
}

/// Our server, built beforehand.
fn ours() -> Program {
    servers::ours("corosync-qnetd");
    Program::ours().expect("it was built just now")
}

/// Plays the first seeds; fails with the shortest scenario that shows what is wrong.
fn play(matching: Matching, algorithm: Algorithm, malformed: Malformed, seeds: u64) {
    let mut arena = Arena::new(matching);
    let mut tally = Tally::default();
    for seed in 0..seeds {
        let subject = Subject {
            algorithm,
            malformed,
        };
        let scenario = scenario(seed, subject);
        let outcome = arena.play(&scenario, &mut tally).expect("servers start");
        if let Err(failure) = outcome {
            let (scenario, failure) =
                shrink(&mut arena, &scenario, failure).expect("servers start");
            panic!("{scenario}{failure}");
        }
    }
    assert!(tally.messages > seeds, "nearly nothing was said: {tally:?}");
}

#[test]
fn the_same_server_twice_says_the_same_twice() {
    let Some(theirs) = theirs() else { return };
    for algorithm in Algorithm::ALL {
        let matching = Matching {
            ours: theirs.twin(),
            theirs: theirs.clone(),
            twins: true,
        };
        play(matching, algorithm, Malformed::Yes, 15);
    }
}

#[test]
fn our_server_differs_only_where_it_is_expected_to() {
    let Some(theirs) = theirs() else { return };
    let matching = Matching {
        theirs,
        ours: ours(),
        twins: false,
    };
    for algorithm in Algorithm::ALL {
        play(matching.clone(), algorithm, Malformed::No, 25);
        play(matching.clone(), algorithm, Malformed::Yes, 25);
    }
}

/// The first failure of a C server with a planted fault, in the place of `ours` or of a twin.
fn failure_with(tamper: Option<Tamper>, twins: bool) -> Option<Fault> {
    let theirs = theirs()?;
    let mut arena = Arena::new(Matching {
        ours: theirs.twin(),
        theirs,
        twins,
    });
    arena.tamper_with(tamper);
    let subject = Subject {
        algorithm: Algorithm::FfSplit,
        malformed: Malformed::No,
    };
    for seed in 0..100 {
        let outcome = arena.play(&scenario(seed, subject), &mut Tally::default());
        if let Err(failure) = outcome.expect("servers start") {
            return Some(failure.fault);
        }
    }
    panic!("{tamper:?} was not noticed");
}

#[test]
fn a_flipped_vote_is_noticed() {
    for nth in [1, 2, 5] {
        let Some(fault) = failure_with(Some(Tamper::FlipVote(nth)), true) else {
            return;
        };
        assert!(matches!(fault, Fault::Words(_)), "{fault:?}");
    }
}

#[test]
fn a_dropped_message_is_noticed() {
    for nth in [1, 4, 9] {
        let Some(fault) = failure_with(Some(Tamper::DropMessage(nth)), true) else {
            return;
        };
        assert!(matches!(fault, Fault::Words(_)), "{fault:?}");
    }
}

#[test]
fn a_planted_fault_of_our_server_is_noticed_with_every_algorithm() {
    let Some(theirs) = theirs() else { return };
    let mut arena = Arena::new(Matching {
        theirs,
        ours: ours(),
        twins: false,
    });
    for algorithm in Algorithm::ALL {
        for tamper in [Tamper::FlipVote(2), Tamper::DropMessage(4)] {
            arena.tamper_with(Some(tamper));
            let subject = Subject {
                algorithm,
                malformed: Malformed::No,
            };
            let noticed = (0..12).filter(|&seed| {
                let outcome = arena.play(&scenario(seed, subject), &mut Tally::default());
                outcome.expect("servers start").is_err()
            });
            let noticed = noticed.count();
            // A vote that is taken back at once or answered by nobody makes no difference.
            assert!(noticed >= 6, "{algorithm:?} {tamper:?}: {noticed} of 12");
        }
    }
}

#[test]
fn the_rules_of_the_c_server_would_not_pass_for_ours() {
    let Some(fault) = failure_with(None, false) else {
        return;
    };
    assert!(matches!(fault, Fault::Invariant(_)), "{fault:?}");
}
