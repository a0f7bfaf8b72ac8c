//! Inputs that were kept: seeds, and whatever once broke something.

use fuzzed::TARGETS;
use std::fs;
use std::path::Path;

#[test]
fn kept_inputs_break_nothing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    for (name, target) in TARGETS {
        let mut count = 0;
        for folder in ["seeds", "regressions"] {
            let Ok(files) = fs::read_dir(root.join(folder).join(name)) else {
                continue;
            };
            for file in files {
                let path = file.expect("the folder can be read").path();
                println!("{}", path.display());
                target(&fs::read(&path).expect("the file can be read"));
                count += 1;
            }
        }
        assert!(count > 0, "{name} has no seeds");
    }
}

/// Random bytes reach little; they find what is broken badly, on any toolchain.
#[test]
fn random_bytes_break_nothing() {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for (_, target) in TARGETS {
        for _ in 0..500 {
            let len = random() % 600;
            let bytes: Vec<u8> = (0..len).map(|_| random().to_le_bytes()[3]).collect();
            target(&bytes);
        }
    }
}
