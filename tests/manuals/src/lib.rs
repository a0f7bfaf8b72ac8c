//! Manual pages and completions, made from the declared command lines and the tables of settings.
//!
//! ```text
//! programs    the six programs and what their options take
//! page        a manual page: its source in pages/ with what comes from tables filled in
//! bus         the members of D-Bus interfaces, from their introspection files
//! roff        text as man(7) wants it
//! completion  a shell's completion of one program
//! ```
//!
//! `cargo xtask man` writes the files; a test fails when what is committed differs.

mod bus;
mod completion;
mod page;
mod programs;
mod roff;

pub use programs::CLUSTERS;

use clap_complete::Shell;
use programs::programs;
use std::path::PathBuf;

/// A file that is generated.
#[derive(Debug)]
pub struct File {
    /// Its place in the repository.
    pub path: PathBuf,
    /// What stands in it.
    pub text: String,
}

/// All of them.
///
/// # Errors
///
/// When a page's source names an option that the program does not have.
pub fn files() -> Result<Vec<File>, String> {
    let mut files = Vec::new();
    for (name, text) in page::all()? {
        let path = PathBuf::from("man").join(name);
        files.push(File { path, text });
    }
    for program in programs() {
        let name = program.get_name();
        for (shell, path) in [
            (Shell::Bash, format!("bash/{name}")),
            (Shell::Zsh, format!("zsh/_{name}")),
            (Shell::Fish, format!("fish/{name}.fish")),
        ] {
            let path = PathBuf::from("completions").join(path);
            let text = completion::of(shell, &program);
            files.push(File { path, text });
        }
    }
    Ok(files)
}
