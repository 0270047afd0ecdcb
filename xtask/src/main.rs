//! The project's own commands: `cargo xtask ci`, `cargo xtask test`, `cargo xtask demo`.
//!
//! Each runs the tools that a person would run by hand, prints their command lines, and stops at the first that
//! fails with its exit code.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// All checks: formatting, lints, and the tests
    Ci,
    /// Installs what the tests need and runs all tests
    Test,
    /// Builds kopeck in release mode, makes a sample month, rates it and prints the bill
    Demo,
}

/// Why a task stopped.
struct Failed(String);

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Task::Ci => ci(),
        Task::Test => test(),
        Task::Demo => demo(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed(reason)) => {
            eprintln!("xtask: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn ci() -> Result<(), Failed> {
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])?;
    test()
}

/// The tests need nothing but the toolchain today: no Debian package, database or browser is installed here yet.
fn test() -> Result<(), Failed> {
    cargo(&["test", "--workspace", "--locked"])
}

/// Sample size of the demo.
const DEMO_VMS: &str = "12";

fn demo() -> Result<(), Failed> {
    cargo(&["build", "--release", "--locked", "--package", "kopeck"])?;
    let folder = root()?.join("target/demo");
    fs::create_dir_all(&folder)
        .map_err(|error| Failed(format!("can not make {}: {error}", folder.display())))?;
    let events = folder.join("events.jsonl");
    let output = File::create(&events)
        .map_err(|error| Failed(format!("can not write {}: {error}", events.display())))?;
    let kopeck = root()?.join("target/release/kopeck");
    let mut sample = Command::new(&kopeck);
    sample.args(["sample", "--seed", "1", "--vms", DEMO_VMS, "--days", "31"]).stdout(output);
    run(sample)?;
    let mut rate = Command::new(&kopeck);
    rate.args(["rate", "--prices", "examples/sample.toml", "--from", "2026-10-01", "--to", "2026-11-01"]);
    rate.arg("--events").arg(relative(&events)?);
    run(rate)
}

fn cargo(args: &[&str]) -> Result<(), Failed> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args);
    run(command)
}

/// Runs a command in the root of the workspace.
fn run(mut command: Command) -> Result<(), Failed> {
    command.current_dir(root()?).stdin(Stdio::null());
    let name =
        Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let line = format!("{name} {}", args.join(" "));
    eprintln!("$ {line}");
    let status = command.status().map_err(|error| Failed(format!("can not run `{line}`: {error}")))?;
    if status.success() { Ok(()) } else { Err(Failed(format!("`{line}` failed: {status}"))) }
}

fn root() -> Result<PathBuf, Failed> {
    let parent = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    parent.map(Path::to_path_buf).ok_or_else(|| Failed("xtask does not lie in the workspace".to_owned()))
}

fn relative(path: &Path) -> Result<PathBuf, Failed> {
    Ok(path.strip_prefix(root()?).map_or_else(|_| path.to_path_buf(), Path::to_path_buf))
}
