//! The project's own commands: `cargo xtask ci`, `cargo xtask test`, `cargo xtask simulate`, `cargo xtask openapi`,
//! `cargo xtask demo`.
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
    /// All checks: formatting, lints, the tests, and the simulator
    Ci,
    /// Installs what the tests need and runs all tests
    Test,
    /// Simulates ledgers and whole installations under random work and crashes at every write, judged by the reference
    Simulate {
        /// How many seeds of each kind of life, from 1 on [default: 200 ledgers and 48 installations]
        #[arg(long, value_name = "N")]
        seeds: Option<u64>,
        /// Only this seed: replays a failure
        #[arg(long, value_name = "S", conflicts_with = "seeds")]
        seed: Option<u64>,
        /// Only lives of this kind: ledger or installation
        #[arg(long, value_name = "KIND")]
        life: Option<String>,
        /// Operations in each life [default: 60 of a ledger, 24 of an installation]
        #[arg(long, value_name = "N")]
        operations: Option<u64>,
    },
    /// Writes the API's description, as the code says it, to openapi.json
    Openapi,
    /// Builds kopeck in release mode, rates a sample month and prints the bill, and plays a month on a server
    Demo,
}

/// Why a task stopped.
struct Failed(String);

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Task::Ci => ci(),
        Task::Test => test(),
        Task::Simulate { seeds, seed, life, operations } => simulate(&[
            ("--seeds", seeds.map(|seeds| seeds.to_string())),
            ("--seed", seed.map(|seed| seed.to_string())),
            ("--life", life),
            ("--operations", operations.map(|operations| operations.to_string())),
        ]),
        Task::Openapi => openapi(),
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
    test()?;
    simulate(&[])
}

/// What the tests run beside the toolchain, each by its program and its Debian package.
const NEEDED: [(&str, &str); 3] =
    [("hledger", "hledger"), ("promtool", "prometheus"), ("initdb", "postgresql")];
/// Debian keeps PostgreSQL's programs here, in a folder for each version, and not where programs are looked for.
const POSTGRESQL: &str = "/usr/lib/postgresql";
/// What schemathesis is, with all that it needs, and what it is told of the API.
const SCHEMATHESIS: &str = "xtask/schemathesis/requirements.txt";

fn test() -> Result<(), Failed> {
    for (program, package) in NEEDED {
        install(program, package)?;
    }
    let schemathesis = install_schemathesis()?;
    let mut tests = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    tests.args(["test", "--workspace", "--locked"]).env("KOPECK_SCHEMATHESIS", schemathesis);
    run(tests)
}

/// Installs schemathesis into an environment of its own where it is not there as it is pinned; answers its program.
fn install_schemathesis() -> Result<PathBuf, Failed> {
    let folder = target()?.join("tools/schemathesis");
    let (program, installed) = (folder.join("bin/schemathesis"), folder.join("installed.txt"));
    let pinned = root()?.join(SCHEMATHESIS);
    let failed =
        |path: &Path, error: std::io::Error| Failed(format!("can not copy {}: {error}", path.display()));
    let wanted = fs::read(&pinned).map_err(|error| failed(&pinned, error))?;
    if program.is_file() && fs::read(&installed).is_ok_and(|there| there == wanted) {
        return Ok(program);
    }
    let mut check = Command::new("python3");
    check.args(["-c", "import ensurepip, venv"]).stdout(Stdio::null()).stderr(Stdio::null());
    if !check.status().is_ok_and(|status| status.success()) {
        let _ = run(as_root(&["apt-get", "update"]));
        run(as_root(&["apt-get", "install", "--yes", "--no-install-recommends", "python3-venv"]))?;
    }
    let mut environment = Command::new("python3");
    environment.args(["-m", "venv", "--clear"]).arg(&folder);
    run(environment)?;
    let mut packages = Command::new(folder.join("bin/python"));
    packages.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    packages.arg(&pinned);
    run(packages)?;
    fs::write(&installed, wanted).map_err(|error| failed(&installed, error))?;
    Ok(program)
}

/// Installs a Debian package where its program is not there.
fn install(program: &str, package: &str) -> Result<(), Failed> {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let versions = fs::read_dir(POSTGRESQL).into_iter().flatten().flatten();
    let is_of_postgresql =
        versions.map(|version| version.path().join("bin").join(program)).any(|path| path.is_file());
    if is_of_postgresql || version.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    // An old list of packages names files that are gone, so it is made new; without a network the old one may do.
    let _ = run(as_root(&["apt-get", "update"]));
    run(as_root(&["apt-get", "install", "--yes", "--no-install-recommends", package])).map_err(
        |Failed(reason)| {
            Failed(format!(
                "the tests run {program}, which could not be installed: {reason}; install it by hand"
            ))
        },
    )
}

/// A command with the rights to install packages.
fn as_root(line: &[&str]) -> Command {
    let user = Command::new("id").arg("--user").output();
    let is_root = user.is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    let mut words = line.iter();
    let program = if is_root { words.next().copied().unwrap_or("true") } else { "sudo" };
    let mut command = Command::new(program);
    command.args(words).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Runs the simulator, which tells the command that replays what it finds.
fn simulate(options: &[(&str, Option<String>)]) -> Result<(), Failed> {
    let mut args = ["run", "--quiet", "--locked", "--package", "kopeck-simulator", "--bin", "simulate", "--"]
        .map(str::to_owned)
        .to_vec();
    for (option, value) in options {
        args.extend(value.iter().flat_map(|value| [(*option).to_owned(), value.clone()]));
    }
    cargo(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

fn openapi() -> Result<(), Failed> {
    let path = root()?.join("openapi.json");
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["run", "--quiet", "--package", "kopeck-server", "--example", "openapi"]);
    let output = command.current_dir(root()?).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| Failed(format!("can not run cargo: {error}")))?;
    if !output.status.success() {
        return Err(Failed(format!("the description can not be made: {}", output.status)));
    }
    fs::write(&path, output.stdout)
        .map_err(|error| Failed(format!("can not write {}: {error}", path.display())))
}

/// Sample size of the demo.
const DEMO_VMS: &str = "12";

fn demo() -> Result<(), Failed> {
    cargo(&["build", "--release", "--locked", "--package", "kopeck"])?;
    let folder = target()?.join("demo");
    fs::create_dir_all(&folder)
        .map_err(|error| Failed(format!("can not make {}: {error}", folder.display())))?;
    let events = folder.join("events.jsonl");
    let output = File::create(&events)
        .map_err(|error| Failed(format!("can not write {}: {error}", events.display())))?;
    let kopeck = target()?.join("release/kopeck");
    let mut sample = Command::new(&kopeck);
    sample.args(["sample", "--seed", "1", "--vms", DEMO_VMS, "--days", "31"]).stdout(output);
    run(sample)?;
    let mut rate = Command::new(&kopeck);
    rate.args(["rate", "--prices", "examples/sample.toml", "--from", "2026-10-01", "--to", "2026-11-01"]);
    rate.arg("--events").arg(relative(&events)?);
    run(rate)?;
    demo_server(&kopeck, &folder.join("server"))
}

/// Plays a month on a server.
fn demo_server(kopeck: &Path, folder: &Path) -> Result<(), Failed> {
    // That of an earlier demo goes: a demo begins with nothing.
    if folder.exists() {
        fs::remove_dir_all(folder)
            .map_err(|error| Failed(format!("can not remove {}: {error}", folder.display())))?;
    }
    let mut demo = Command::new(kopeck);
    demo.args(["demo", "--exit", "--listen", "127.0.0.1:0", "--data"]).arg(relative(folder)?);
    run(demo)
}

/// Where cargo builds.
fn target() -> Result<PathBuf, Failed> {
    Ok(env::var_os("CARGO_TARGET_DIR").map_or(root()?.join("target"), PathBuf::from))
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
