//! Writes the manual pages and completions into the repository: `cargo xtask man`.

use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

fn main() -> ExitCode {
    match write() {
        Ok(count) => {
            println!("{count} files written to man/ and completions/");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn write() -> Result<usize, String> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let files = manuals::files()?;
    for file in &files {
        let path = top.join(&file.path);
        let done = path.parent().map_or(Ok(()), fs::create_dir_all);
        let written = done.and_then(|()| fs::write(&path, &file.text));
        written.map_err(|error: io::Error| format!("{}: {error}", path.display()))?;
    }
    Ok(files.len())
}
