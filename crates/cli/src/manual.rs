//! Manual pages and shell completions, made from the same definitions as the help.

use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::failure::{Done, Failure};

/// Prints the completion script of a shell.
pub fn completions(shell: Shell) -> Result<Done, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "kopeck", &mut script);
    io::stdout().write_all(&script)?;
    Ok(Done::Whole)
}

/// Writes a manual page for kopeck and each of its commands.
pub fn pages(folder: &Path) -> Result<Done, Failure> {
    let path = folder.to_string_lossy();
    clap_mangen::generate_to(Cli::command(), folder)
        .map_err(|error| Failure::file(&path, "write manual pages to", &error))?;
    Ok(Done::Whole)
}
